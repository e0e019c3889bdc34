import type { ByteBuf } from '@knotty/buffer'
import { checkOptions, checkPositiveInteger } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { ByteToMessageDecoder, DEFAULT_MAX_CUMULATION_BYTES } from './byte-to-message-decoder.js'
import type { Frame } from './frame.js'

/** Options of a {@link FixedLengthFrameDecoder}. */
export interface FixedLengthFrameDecoderOptions {
  /** The bytes of each frame. */
  readonly frameLength: number
}

/**
 * Cuts a stream of bytes into frames of the same length. A frame is a ByteBuf that whoever gets it releases; it shares the memory it was
 * received in. What is shorter when the input ends is dropped.
 *
 *     new FixedLengthFrameDecoder({ frameLength: 3 })
 *
 *     BEFORE DECODE (4 chunks)             AFTER DECODE (3 frames)
 *     +---+----+------+----+               +-----+-----+-----+
 *     | A | BC | DEFG | HI |-------------->| ABC | DEF | GHI |
 *     +---+----+------+----+               +-----+-----+-----+
 */
export class FixedLengthFrameDecoder extends ByteToMessageDecoder<Frame> {
  readonly #frameLength: number

  /** An {@link IllegalArgumentError} unless `frameLength` is a positive integer. */
  constructor(options: FixedLengthFrameDecoderOptions) {
    checkOptions(options, 'new FixedLengthFrameDecoder({ frameLength })')
    const frameLength = checkPositiveInteger(options.frameLength, 'frameLength')
    super({ maxCumulationBytes: Math.max(DEFAULT_MAX_CUMULATION_BYTES, frameLength) })
    this.#frameLength = frameLength
  }

  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): number | void {
    const missing = this.#frameLength - input.readableBytes
    if (missing > 0) return missing
    out.push(input.readRetainedSlice(this.#frameLength) as Frame)
  }
}
