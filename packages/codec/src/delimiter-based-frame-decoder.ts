import { Buffer } from 'node:buffer'
import { ByteBuf } from '@knotty/buffer'
import { checkOptions, checkPositiveInteger, IllegalArgumentError } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { ByteToMessageDecoder, DEFAULT_MAX_CUMULATION_BYTES } from './byte-to-message-decoder.js'
import { TooLongFrameError } from './errors.js'
import type { Frame } from './frame.js'
import { LineFramer } from './line-framer.js'

/** How many bytes of a composite are made one piece for a search. Little is copied in vain when the delimiter is near. */
const COPIED_AT_A_TIME = 1024

/** The bytes that end a frame. They are copied; text is encoded as UTF-8. */
export type Delimiter = string | Uint8Array | ByteBuf

/** Options of a {@link DelimiterBasedFrameDecoder}; lengths are bytes. */
export interface DelimiterBasedFrameDecoderOptions {
  /** The longest frame taken, its delimiter not counted. Required: it bounds what a peer can make us keep. */
  readonly maxFrameLength: number
  /** One delimiter, or several: the one that gives the shortest frame ends it, and among those the first in the list. */
  readonly delimiters: Delimiter | readonly Delimiter[]
  /** Drop the delimiter from each frame (true). */
  readonly stripDelimiter?: boolean
  /** Report a frame that is too long as soon as that is known (true), or when its delimiter has come (false). */
  readonly failFast?: boolean
  /** Go on with the next frame after one that is too long (true); false: the first error is final. */
  readonly resynchronise?: boolean
  /** See ByteToMessageDecoderOptions: 16 MiB, or `maxFrameLength` and the longest delimiter when that is more. */
  readonly maxCumulationBytes?: number
}

/**
 * Cuts a stream of bytes into frames that end with a delimiter. A frame is a ByteBuf that whoever gets it releases; it shares the memory
 * it was received in.
 *
 *     new DelimiterBasedFrameDecoder({ maxFrameLength: 8192, delimiters: ['END', ';'] })
 *
 *     BEFORE DECODE (3 chunks)              AFTER DECODE (3 frames)
 *     +---------+------+-----------+        +-------+-------+----+
 *     | "ABC;DE"| "FE" | "ND;GHI"  |------->| "ABC" | "DEF" | "" |     "GHI" waits for its delimiter
 *     +---------+------+-----------+        +-------+-------+----+
 *
 * `stripDelimiter: false` keeps the delimiters: "ABC;", "DEFEND", ";". The delimiter that gives the shortest frame ends it:
 *
 *     delimiters: Delimiters.lineDelimiter()         delimiters: ['\n']
 *     +-------------+       +-----+-----+            +-------------+       +-------+-----+
 *     | ABC\nDEF\r\n|------>| ABC | DEF |            | ABC\nDEF\r\n|------>| ABC   |DEF\r|
 *     +-------------+       +-----+-----+            +-------------+       +-------+-----+
 *
 * With `\r\n` and `\n` it does what a LineBasedFrameDecoder does. When one delimiter stands inside another, except at its end, which of
 * them is seen may depend on the chunks ('c' before the 'd' of 'abcd' has come); such a protocol is not sound. What has no delimiter when
 * the input ends is dropped.
 *
 * A frame above `maxFrameLength` throws a {@link TooLongFrameError} with the limit and the length to exceptionCaught, and is discarded as
 * it comes, without being kept; then the frames behind it wait for the next chunk, as after every error that is thrown, and at the end of
 * the input a second one drops what is behind it (see ByteToMessageDecoder). What may be the beginning of a delimiter does not count while
 * its rest has not come, except for `\r` in front of a `\n` that is missing when these two are the delimiters: see LineBasedFrameDecoder.
 */
export class DelimiterBasedFrameDecoder extends ByteToMessageDecoder<Frame> {
  readonly #maxFrameLength: number
  readonly #stripDelimiter: boolean
  readonly #failFast: boolean
  readonly #delimiters: readonly Buffer[]
  /** For each delimiter: bytes behind readerIndex at none of which it begins. So each byte is searched once for each delimiter. */
  readonly #searched: number[]
  /** The longest beginning of a delimiter that can stand at the end of the input. */
  readonly #longestPart: number
  /** Does it all for lines. */
  readonly #lines: LineFramer | undefined
  /** Bytes dropped so far of a frame that is too long; -1 while there is none. */
  #discarded = -1

  /** An {@link IllegalArgumentError} for a missing `maxFrameLength`, no delimiter, or an empty one. */
  constructor(options: DelimiterBasedFrameDecoderOptions) {
    checkOptions(options, 'new DelimiterBasedFrameDecoder({ maxFrameLength, delimiters })')
    const { stripDelimiter = true, failFast = true, resynchronise = true } = options
    const maxFrameLength = checkPositiveInteger(options.maxFrameLength, 'maxFrameLength')
    const delimiters = bytesOfAll(options.delimiters)
    const longestPart = Math.max(...delimiters.map((delimiter) => delimiter.length)) - 1
    const least = Math.max(DEFAULT_MAX_CUMULATION_BYTES, maxFrameLength + longestPart)
    super({ resynchronise, maxCumulationBytes: options.maxCumulationBytes ?? least })
    this.#maxFrameLength = maxFrameLength
    this.#stripDelimiter = stripDelimiter
    this.#failFast = failFast
    this.#delimiters = delimiters
    this.#searched = delimiters.map(() => 0)
    this.#longestPart = longestPart
    if (areLineEnds(delimiters)) {
      this.#lines = new LineFramer({ limitName: 'maxFrameLength', maxLength: maxFrameLength, stripDelimiter, failFast, resynchronise })
    }
  }

  protected override decode(ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): void {
    if (this.#lines !== undefined) return this.#lines.decode(ctx, input, out)
    let length = -1
    let delimiterLength = 0
    for (let i = 0; i < this.#delimiters.length; i++) {
      const found = this.#find(input, i)
      if (found >= 0 && (length < 0 || found < length)) {
        length = found
        delimiterLength = this.#delimiters[i]!.length
      }
    }
    if (length < 0) this.#unfinished(input)
    else this.#finished(input, length, delimiterLength, out)
  }

  protected override decodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): number | void {
    super.decodeLast(ctx, input, out)
    this.#lines?.reset()
    this.#searched.fill(0)
  }

  /** How many readable bytes stand before the `i`-th delimiter; -1 when it is not there. */
  #find(input: ByteBuf, i: number): number {
    const delimiter = this.#delimiters[i]!
    const start = input.readerIndex
    // behind the last place at which all of it has room
    const end = input.writerIndex - delimiter.length + 1
    const from = start + this.#searched[i]!
    if (from >= end) return -1
    let found = input.indexOf(from, end, delimiter[0]!)
    if (found >= 0 && !isAt(input, found, delimiter, 1, delimiter.length)) found = search(input, found + 1, delimiter)
    this.#searched[i] = (found < 0 ? end : found) - start
    return found < 0 ? -1 : found - start
  }

  #finished(input: ByteBuf, length: number, delimiterLength: number, out: Frame[]): void {
    const discarded = this.#discarded
    if (discarded < 0 && length <= this.#maxFrameLength) {
      out.push(input.readRetainedSlice(this.#stripDelimiter ? length : length + delimiterLength) as Frame)
      if (this.#stripDelimiter) input.skipBytes(delimiterLength)
      this.#consumed(length + delimiterLength)
      return
    }
    this.#discarded = -1
    input.skipBytes(length + delimiterLength)
    this.#consumed(length + delimiterLength)
    if (discarded < 0 || !this.#failFast) throw this.#tooLong(`${Math.max(discarded, 0) + length} bytes - discarded`)
  }

  /** The delimiter is not there: the frame waits, or goes when it is too long already, except for what may be part of a delimiter. */
  #unfinished(input: ByteBuf): void {
    const isNew = this.#discarded < 0
    if (isNew && input.readableBytes <= this.#maxFrameLength) return
    const length = input.readableBytes - this.#partAtEnd(input)
    if (isNew && length <= this.#maxFrameLength) return
    input.skipBytes(length)
    this.#consumed(length)
    this.#discarded = Math.max(this.#discarded, 0) + length
    if (isNew && this.#failFast) throw this.#tooLong(`${length} bytes and more - discarding`)
  }

  /** How many bytes at the end of the input may be the beginning of a delimiter. */
  #partAtEnd(input: ByteBuf): number {
    const end = input.writerIndex
    for (let length = Math.min(this.#longestPart, input.readableBytes); length > 0; length--) {
      if (this.#delimiters.some((delimiter) => isAt(input, end - length, delimiter, 0, length))) return length
    }
    return 0
  }

  #consumed(length: number): void {
    const searched = this.#searched
    for (let i = 0; i < searched.length; i++) searched[i] = Math.max(0, searched[i]! - length)
  }

  #tooLong(what: string): TooLongFrameError {
    return new TooLongFrameError(`maxFrameLength: ${this.#maxFrameLength} exceeded by a frame of ${what}`)
  }
}

/** Whether the delimiter's bytes from `from` up to `to` stand in their places behind `index`. A composite is not made one piece for it. */
function isAt(input: ByteBuf, index: number, delimiter: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (input.getUnsignedByte(index + i) !== delimiter[i]) return false
  return true
}

/**
 * Where the delimiter begins from `from` on; -1 when it is not there. One search for all the bytes: with one for each first byte of
 * the delimiter a peer that sends nothing else costs 165 ms a MiB, and 6.5 ms by this (a composite 220 ms and 9 ms, Node 20.20.2).
 */
function search(input: ByteBuf, from: number, delimiter: Buffer): number {
  const start = input.readerIndex
  if (input.isContiguous) {
    const found = input.unsafeBuffer().indexOf(delimiter, from - start)
    return found < 0 ? -1 : start + found
  }
  for (let at = from; at + delimiter.length <= input.writerIndex; at += COPIED_AT_A_TIME) {
    const length = Math.min(COPIED_AT_A_TIME + delimiter.length - 1, input.writerIndex - at)
    const found = input.slice(at, length).unsafeBuffer().indexOf(delimiter)
    if (found >= 0) return at + found
  }
  return -1
}

function bytesOfAll(delimiters: Delimiter | readonly Delimiter[]): Buffer[] {
  const list: readonly Delimiter[] = Array.isArray(delimiters) ? delimiters : [delimiters]
  if (list.length === 0) throw new IllegalArgumentError('delimiters: none (expected: at least one)')
  return list.map((delimiter, index) => {
    const bytes = bytesOf(delimiter)
    if (bytes === undefined || bytes.length === 0) {
      const what = bytes === undefined ? typeof delimiter : 'empty'
      throw new IllegalArgumentError(`delimiters[${index}]: ${what} (expected: text, a Uint8Array or a ByteBuf, of at least one byte)`)
    }
    return bytes
  })
}

function bytesOf(delimiter: Delimiter): Buffer | undefined {
  if (typeof delimiter === 'string') return Buffer.from(delimiter)
  if (ByteBuf.isByteBuf(delimiter)) return Buffer.from(delimiter.unsafeBuffer())
  return delimiter instanceof Uint8Array ? Buffer.from(delimiter) : undefined
}

function areLineEnds(delimiters: readonly Buffer[]): boolean {
  const shown = delimiters.map((delimiter) => delimiter.toString('latin1'))
  return shown.length === 2 && shown.includes('\r\n') && shown.includes('\n')
}
