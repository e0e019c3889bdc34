import type { ByteBuf } from '@knotty/buffer'
import { ByteToMessageDecoder } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'

/** Bytes of one frame. */
export const LENGTH = 64

/** Cuts the stream into frames of {@link LENGTH} bytes that share the memory they came in. */
export class FixedLength extends ByteToMessageDecoder<ByteBuf> {
  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: ByteBuf[]): number | void {
    if (input.readableBytes < LENGTH) return LENGTH - input.readableBytes
    out.push(input.readRetainedSlice(LENGTH))
  }
}
