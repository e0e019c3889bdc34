import { ByteBuf } from '@knotty/buffer'
import type { ChannelHandlerContext } from '@knotty/transport'
import { MessageToByteEncoder } from './message-to-byte-encoder.js'

/**
 * Puts the length of each outbound buffer before it, as a varint of Protocol Buffers, in one new buffer. ByteBuf and Uint8Array get a
 * length; other messages pass on. The message is released. Sharable. Netty: ProtobufVarint32LengthFieldPrepender.
 *
 *     BEFORE ENCODE (300 bytes)       AFTER ENCODE (302 bytes)
 *     +---------------+               +--------+---------------+
 *     | Protobuf Data |-------------->| Length | Protobuf Data |
 *     |  (300 bytes)  |               | 0xAC02 |  (300 bytes)  |
 *     +---------------+               +--------+---------------+
 */
export class Varint32LengthFieldPrepender extends MessageToByteEncoder<ByteBuf | Uint8Array> {
  readonly isSharable = true

  constructor() {
    super((msg): msg is ByteBuf | Uint8Array => ByteBuf.isByteBuf(msg) || msg instanceof Uint8Array)
  }

  protected override allocateBuffer(ctx: ChannelHandlerContext, msg: ByteBuf | Uint8Array): ByteBuf {
    const length = lengthOf(msg)
    return ctx.alloc.buffer(varintBytes(length) + length)
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: ByteBuf | Uint8Array, out: ByteBuf): void {
    let rest = lengthOf(msg)
    while (rest > 0x7f) {
      out.writeByte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    out.writeByte(rest)
    if (ByteBuf.isByteBuf(msg)) out.writeBytes(msg, msg.readerIndex, msg.readableBytes)
    else out.writeBytes(msg)
  }
}

function lengthOf(msg: ByteBuf | Uint8Array): number {
  return ByteBuf.isByteBuf(msg) ? msg.readableBytes : msg.byteLength
}

function varintBytes(value: number): number {
  let count = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) count++
  return count
}
