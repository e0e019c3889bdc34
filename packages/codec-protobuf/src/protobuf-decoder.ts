import { Frame, MessageToMessageDecoder } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'
import { decodeBody } from './body.js'
import { checkProtobufType, type ProtobufType } from './protobuf-type.js'

/**
 * Makes one message of each ByteBuf, which is released; other messages pass on. It follows a decoder that cuts the stream into frames,
 * such as Varint32FrameDecoder, which is the form of protobufjs' encodeDelimited and Java's writeDelimitedTo.
 *
 *     pipeline.addLast(new Varint32FrameDecoder({ maxFrameLength: 1 << 20 }), new ProtobufDecoder(type))
 *
 * The message shares no memory with the frame. A frame that is no message of the type goes to exceptionCaught as a MalformedProtobufError
 * (`ERR_KNOTTY_PROTOBUF_MALFORMED`); the next frame is decoded all the same, unless the pipeline's tail has closed the channel. Sharable.
 *
 * @typeParam T the messages of the type, for a TypedPipeline
 */
export class ProtobufDecoder<T extends object = object> extends MessageToMessageDecoder<Frame, T> {
  readonly isSharable = true
  readonly #type: ProtobufType

  /** An IllegalArgumentError for a type without decode or encode. */
  constructor(type: ProtobufType) {
    super(Frame)
    this.#type = checkProtobufType(type)
  }

  protected override decode(_ctx: ChannelHandlerContext, frame: Frame, out: T[]): void {
    out.push(decodeBody(this.#type, frame.unsafeBuffer()) as T)
  }
}
