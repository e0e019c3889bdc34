import { type ByteBuf, type ByteBufAllocator, ByteToMessageDecoder, type ChannelHandlerContext } from 'knotty'

/** Seconds from 1900-01-01, where RFC 868 counts from, to 1970-01-01, where Date does. */
const SECONDS_1900_TO_1970 = 2_208_988_800
/** When the 32 bits are used up, in 2036, the count starts again. */
const WRAP_SECONDS = 2 ** 32

/** The time as RFC 868 sends it: 4 bytes, seconds since 1900, big-endian. The caller owns the buffer. */
export function encodeTime(alloc: ByteBufAllocator, time: Date): ByteBuf {
  return alloc.buffer(4).writeInt((Math.floor(time.getTime() / 1000) + SECONDS_1900_TO_1970) % WRAP_SECONDS)
}

/** Makes a Date of each 4 bytes. They may come in two chunks, or in four: only a decoder that waits for all is right. */
export class TimeDecoder extends ByteToMessageDecoder {
  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    if (input.readableBytes < 4) return 4 - input.readableBytes
    out.push(new Date((input.readUnsignedInt() - SECONDS_1900_TO_1970) * 1000))
  }
}
