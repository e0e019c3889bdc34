import type { ByteBuf } from '@knotty/buffer'
import { EncoderError, MessageToMessageEncoder } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'
import { encodeBody } from './body.js'
import { checkHeadContent, type HeadContent, type HeadContentOptions } from './head-content.js'
import { isProtobufMessage } from './protobuf-type.js'

/**
 * Writes each message as one buffer, a header before its body: what a ProtobufHeadContentDecoder with the same options reads, where the
 * layout is drawn.
 *
 * Takes every object that is neither bytes (ByteBuf, Uint8Array) nor an array nor reference-counted: messages of the type, and plain
 * objects with its fields. All else passes on. A message that cannot be sent fails its write with an EncoderError, and nothing is written:
 *
 * - `ERR_KNOTTY_PROTOBUF_VERIFY`: the type's verify refuses it
 * - `ERR_KNOTTY_PROTOBUF_TOO_LONG`: its body is longer than `maxBodyLength`, which the peer would answer by closing
 * - `ERR_KNOTTY_ENCODER`: the type's encode threw, that is the `cause`
 *
 * Sharable.
 */
export class ProtobufHeadContentEncoder extends MessageToMessageEncoder<object, ByteBuf> {
  readonly isSharable = true
  readonly #head: HeadContent

  /** An IllegalArgumentError for options that do not go together. */
  constructor(options: HeadContentOptions) {
    super(isProtobufMessage)
    this.#head = checkHeadContent(options)
  }

  protected override encode(ctx: ChannelHandlerContext, message: object, out: ByteBuf[]): void {
    const { type, magic, version, versionFieldLength, lengthFieldLength, maxBodyLength, headerLength } = this.#head
    const body = encodeBody(type, message)
    if (body.length > maxBodyLength) {
      const text = `maxBodyLength: ${maxBodyLength} exceeded by a message of ${body.length} bytes`
      throw new EncoderError(text, undefined, 'ERR_KNOTTY_PROTOBUF_TOO_LONG')
    }
    const frame = ctx.alloc.buffer(headerLength + body.length)
    frame.writeShort(magic)
    if (versionFieldLength === 1) frame.writeByte(version)
    else frame.writeShort(version)
    if (lengthFieldLength === 2) frame.writeShort(body.length)
    else frame.writeInt(body.length)
    out.push(frame.writeBytes(body))
  }
}
