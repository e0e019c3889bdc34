import type { ByteBuf } from '@knotty/buffer'
import type { ChannelHandlerContext } from '@knotty/transport'
import { TooLongFrameError } from './errors.js'
import type { Frame } from './frame.js'

const CR = 0x0d
const LF = 0x0a

/** How a {@link LineFramer} cuts; the same options under the names of the decoder that has it. */
export interface LineFramerOptions {
  /** What the limit is called in the messages of errors. */
  readonly limitName: string
  readonly maxLength: number
  readonly stripDelimiter: boolean
  readonly failFast: boolean
  readonly resynchronise: boolean
}

/**
 * Cuts lines off the front of a decoder's input, each call one at most. A line ends with `\n` or `\r\n`. What was searched once is not
 * searched again, so the time is linear in the bytes however they are cut up.
 *
 *     input   | searched, no \n |          |
 *             reader            + offset   writer
 */
export class LineFramer {
  readonly #options: LineFramerOptions
  /** Bytes behind readerIndex in which there is no `\n`. */
  #offset = 0
  /** Bytes dropped so far of a line that is too long; 0 while there is none. */
  #discarded = 0

  constructor(options: LineFramerOptions) {
    this.#options = options
  }

  /** Forgets what was searched: the unread bytes are not there any more. */
  reset(): void {
    this.#offset = 0
  }

  decode(ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): void {
    const start = input.readerIndex
    const newline = input.indexOf(start + this.#offset, input.writerIndex, LF)
    if (newline < 0) this.#unfinished(ctx, input)
    else this.#finished(ctx, input, newline, out)
  }

  #finished(ctx: ChannelHandlerContext, input: ByteBuf, newline: number, out: Frame[]): void {
    const start = input.readerIndex
    const end = newline > start && input.getUnsignedByte(newline - 1) === CR ? newline - 1 : newline
    const length = end - start
    const { maxLength, stripDelimiter, failFast } = this.#options
    const discarded = this.#discarded
    this.#offset = 0
    this.#discarded = 0
    if (discarded > 0 || length > maxLength) {
      input.skipBytes(newline + 1 - start)
      if (discarded === 0 || !failFast) this.#fail(ctx, `${discarded + length} bytes - discarded`)
    } else if (stripDelimiter) {
      out.push(input.readRetainedSlice(length) as Frame)
      input.skipBytes(newline + 1 - end)
    } else {
      out.push(input.readRetainedSlice(newline + 1 - start) as Frame)
    }
  }

  /** The end of the line is not there: it waits, or goes when it is too long already. */
  #unfinished(ctx: ChannelHandlerContext, input: ByteBuf): void {
    const length = input.readableBytes
    const { maxLength, failFast } = this.#options
    const isNew = this.#discarded === 0
    if (isNew && length <= maxLength) {
      this.#offset = length
      return
    }
    this.#offset = 0
    this.#discarded += length
    input.skipBytes(length)
    if (isNew && failFast) this.#fail(ctx, `${length} bytes and more - discarding`)
  }

  /** Last in each call: the error may come back to this decoder, with bytes or the end. */
  #fail(ctx: ChannelHandlerContext, what: string): void {
    const { limitName, maxLength, resynchronise } = this.#options
    const error = new TooLongFrameError(`${limitName}: ${maxLength} exceeded by a line of ${what}`)
    if (!resynchronise) throw error
    // fired and not thrown, as in Netty: the lines behind it come at once, not with the next chunk
    ctx.fireExceptionCaught(error)
  }
}
