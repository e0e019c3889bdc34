import type { ByteBuf } from '@knotty/buffer'
import { MessageToMessageEncoder } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'
import { encodeBody } from './body.js'
import { checkProtobufType, isProtobufMessage, type ProtobufType } from './protobuf-type.js'

/**
 * Makes one ByteBuf of each message: its bytes and nothing else. An encoder before it in the pipeline adds the length.
 *
 *     pipeline.addLast(new Varint32LengthFieldPrepender(), new ProtobufEncoder(type))
 *
 * What it takes as a message, and the errors, are those of ProtobufHeadContentEncoder, without a longest body. Sharable.
 */
export class ProtobufEncoder extends MessageToMessageEncoder<object, ByteBuf> {
  readonly isSharable = true
  readonly #type: ProtobufType

  /** An IllegalArgumentError for a type without decode or encode. */
  constructor(type: ProtobufType) {
    super(isProtobufMessage)
    this.#type = checkProtobufType(type)
  }

  protected override encode(ctx: ChannelHandlerContext, message: object, out: ByteBuf[]): void {
    const body = encodeBody(this.#type, message)
    out.push(ctx.alloc.buffer(body.length).writeBytes(body))
  }
}
