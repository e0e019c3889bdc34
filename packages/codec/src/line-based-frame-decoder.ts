import type { ByteBuf } from '@knotty/buffer'
import { checkOptions, checkPositiveInteger } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { ByteToMessageDecoder, DEFAULT_MAX_CUMULATION_BYTES } from './byte-to-message-decoder.js'
import type { Frame } from './frame.js'
import { LineFramer } from './line-framer.js'

/** Options of a {@link LineBasedFrameDecoder}; lengths are bytes. */
export interface LineBasedFrameDecoderOptions {
  /** The longest line taken, its end not counted. Required: it bounds what a peer can make us keep. */
  readonly maxLength: number
  /** Drop the `\n` or `\r\n` from each line (true). */
  readonly stripDelimiter?: boolean
  /** Report a line that is too long as soon as that is known (true), or when its end has come (false). */
  readonly failFast?: boolean
  /** Go on with the next line after one that is too long (true); false: the first error is final. */
  readonly resynchronise?: boolean
  /** See ByteToMessageDecoderOptions: 16 MiB, or `maxLength` when that is more. */
  readonly maxCumulationBytes?: number
}

/**
 * Cuts a stream of bytes into lines, which end with `\n` or `\r\n`. A line is a ByteBuf that whoever gets it releases; it shares the
 * memory it was received in. For text a StringDecoder behind it makes strings.
 *
 *     new LineBasedFrameDecoder({ maxLength: 8192 })
 *
 *     BEFORE DECODE (4 chunks)                        AFTER DECODE (3 lines)
 *     +--------+------+--------+-----------+          +---------+-----+-------+
 *     | "HELO" | "\r" | "\nHI" | "\n\nBYE" |--------->| "HELO"  | "HI"|  ""   |     "BYE" waits for its end
 *     +--------+------+--------+-----------+          +---------+-----+-------+
 *
 * `stripDelimiter: false` keeps the ends: "HELO\r\n", "HI\n", "\n". A `\r` elsewhere belongs to the line. What has no end when the input
 * ends is dropped, as in Netty: it may be half a line.
 *
 * A line above `maxLength` gives a {@link TooLongFrameError} with the limit and the length; it is discarded as it comes, without being
 * kept. The error is fired, not thrown, so the lines behind it are decoded at once. While no `\n` has come, a `\r` at the end of what
 * is there counts as a byte of the line (as in Netty), so leave room for one byte more than the longest line.
 */
export class LineBasedFrameDecoder extends ByteToMessageDecoder<Frame> {
  readonly #framer: LineFramer

  /** An {@link IllegalArgumentError} for a missing `maxLength`. */
  constructor(options: LineBasedFrameDecoderOptions) {
    checkOptions(options, 'new LineBasedFrameDecoder({ maxLength })')
    const { stripDelimiter = true, failFast = false, resynchronise = true } = options
    const maxLength = checkPositiveInteger(options.maxLength, 'maxLength')
    super({ resynchronise, maxCumulationBytes: options.maxCumulationBytes ?? Math.max(DEFAULT_MAX_CUMULATION_BYTES, maxLength) })
    this.#framer = new LineFramer({ limitName: 'maxLength', maxLength, stripDelimiter, failFast, resynchronise })
  }

  protected override decode(ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): void {
    this.#framer.decode(ctx, input, out)
  }

  protected override decodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): number | void {
    super.decodeLast(ctx, input, out)
    this.#framer.reset()
  }
}
