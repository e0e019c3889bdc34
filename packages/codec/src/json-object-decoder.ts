import type { ByteBuf } from '@knotty/buffer'
import { checkOptions, checkPositiveInteger } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { ByteToMessageDecoder, DEFAULT_MAX_CUMULATION_BYTES } from './byte-to-message-decoder.js'
import { CorruptedFrameError, TooLongFrameError } from './errors.js'
import type { Frame } from './frame.js'

const DEFAULT_MAX_OBJECT_LENGTH = 1024 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/* Where the decoder stands in the stream (field `state`). */
/** Between two values: white space is dropped. */
const BETWEEN = 0
/** In an object, or an array that is one message. */
const IN_VALUE = 1
/** In an array each element of which is a message. */
const IN_ELEMENTS = 2
/** After something that is no JSON: all is dropped. */
const CORRUPTED = 3

/** How many bytes of garbage the message of an error shows. */
const SHOWN_BYTES = 16

/** Options of a {@link JsonObjectDecoder}. */
export interface JsonObjectDecoderOptions {
  /** How many bytes may be unread: the longest object, and what comes in one chunk with it (1 MiB). */
  readonly maxObjectLength?: number
  /** Give the elements of an array at the top one by one, instead of the array (false). */
  readonly streamArrayElements?: boolean
}

/**
 * Cuts a stream of bytes into JSON objects and arrays, with or without white space between them. It counts braces and brackets outside of
 * strings and checks nothing else: JSON.parse does. A message is a ByteBuf that whoever gets it releases; it shares the memory it was
 * received in. The encoding is UTF-8, or any other that keeps ASCII as it is.
 *
 *     new JsonObjectDecoder()
 *
 *     BEFORE DECODE (3 chunks)                    AFTER DECODE (2 messages)
 *     +--------+------------+----------+          +-----------+-------------+
 *     | {"a":  | "}"} \n[1, | {"b":2}] |--------->| {"a":"}"} | [1,{"b":2}] |
 *     +--------+------------+----------+          +-----------+-------------+
 *
 * `streamArrayElements: true` gives `{"a":"}"}`, `1` and `{"b":2}`, without the white space around them, so that an array may be longer
 * than `maxObjectLength`. An empty array, and nothing between two commas, give an empty message, as in Netty.
 *
 * Errors, thrown to exceptionCaught:
 *
 * - {@link TooLongFrameError} when more than `maxObjectLength` bytes are unread. As in Netty that counts whatever came in one chunk with
 *   the object: a limit of 8 refuses `{"a":1}{"b":2}` in one chunk and takes it in two. So give the length of your longest object and of
 *   one read more, 64 KiB from a socket; then no object of that length is refused, however the bytes are cut. All unread bytes are
 *   dropped, and then, as it comes, the rest of the object or element that had begun; the next one is decoded.
 * - {@link CorruptedFrameError} when something else than an object or array begins. All bytes from there on are dropped, without another
 *   error: the pipeline's tail, which closes the channel on an uncaught exception, is the guard.
 */
export class JsonObjectDecoder extends ByteToMessageDecoder<Frame> {
  readonly #maxObjectLength: number
  readonly #streamArrayElements: boolean
  #state = BETWEEN
  /** Braces and brackets that are open. */
  #depth = 0
  #insideString = false
  /** The byte before was a backslash that escapes this one. */
  #escaped = false
  /** Unread bytes that were looked at. */
  #scanned = 0
  /** The value under way is too long: its rest is dropped as it comes. */
  #discarding = false

  /** An {@link IllegalArgumentError} unless `maxObjectLength` is a positive integer. */
  constructor(options: JsonObjectDecoderOptions = {}) {
    checkOptions(options, 'new JsonObjectDecoder({ maxObjectLength, streamArrayElements })')
    const maxObjectLength = checkPositiveInteger(options.maxObjectLength ?? DEFAULT_MAX_OBJECT_LENGTH, 'maxObjectLength')
    super({ resynchronise: true, maxCumulationBytes: Math.max(DEFAULT_MAX_CUMULATION_BYTES, maxObjectLength) })
    this.#maxObjectLength = maxObjectLength
    this.#streamArrayElements = options.streamArrayElements ?? false
  }

  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): void {
    const readable = input.readableBytes
    if (this.#state === CORRUPTED) return void input.skipBytes(readable)
    if (this.#discarding) return this.#discard(input)
    if (readable > this.#maxObjectLength) this.#failTooLong(input)
    if (this.#state === BETWEEN && !this.#findValue(input)) return
    const end = this.#findEnd(input, this.#scanned)
    if (end < 0) this.#scanned = input.readableBytes
    else if (this.#state === IN_VALUE) this.#finishValue(input, end + 1, out)
    else this.#finishElement(input, end, out)
  }

  protected override decodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): number | void {
    super.decodeLast(ctx, input, out)
    this.#reset()
  }

  /** Drops white space up to the next value, and the bracket when its elements are the messages. False when no value begins. */
  #findValue(input: ByteBuf): boolean {
    const start = input.readerIndex
    const end = input.writerIndex
    let index = start
    while (index < end && isWhiteSpace(input.getUnsignedByte(index))) index++
    input.skipBytes(index - start)
    if (index === end) return false
    if (!this.#begin(input.getUnsignedByte(index))) this.#failCorrupted(input)
    if (this.#state === IN_ELEMENTS) input.skipBytes(1)
    else this.#scanned = 1
    return true
  }

  /** False when no value begins with this byte. */
  #begin(byte: number): boolean {
    if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) return false
    this.#depth = 1
    this.#state = byte === OPEN_BRACKET && this.#streamArrayElements ? IN_ELEMENTS : IN_VALUE
    return true
  }

  /** How many bytes stand before the one that ends the value: its last bracket, or what is behind an element. -1 when it is not there. */
  #findEnd(input: ByteBuf, from: number): number {
    const start = input.readerIndex
    const end = input.writerIndex
    for (let index = start + from; index < end; index++) if (this.#isEnd(input.getUnsignedByte(index))) return index - start
    return -1
  }

  /** Takes notice of the next byte. True when the value ends with it, or the element before it. */
  #isEnd(byte: number): boolean {
    this.#look(byte)
    if (this.#insideString) return false
    if (this.#state === IN_VALUE) return this.#depth === 0
    return (this.#depth === 1 && byte === COMMA) || (this.#depth === 0 && byte === CLOSE_BRACKET)
  }

  /** Counts what is open. */
  #look(byte: number): void {
    if (this.#insideString) {
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) this.#insideString = false
    } else if (byte === QUOTE) {
      this.#insideString = true
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      this.#depth++
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      this.#depth--
    }
  }

  #finishValue(input: ByteBuf, length: number, out: Frame[]): void {
    out.push(input.readRetainedSlice(length) as Frame)
    this.#reset()
  }

  /** An element of `length` bytes, with the white space around it, and the byte that ends it. */
  #finishElement(input: ByteBuf, length: number, out: Frame[]): void {
    const end = input.readerIndex + length
    let from = input.readerIndex
    let to = end
    while (from < to && isWhiteSpace(input.getUnsignedByte(from))) from++
    while (to > from && isWhiteSpace(input.getUnsignedByte(to - 1))) to--
    input.readerIndex = from
    out.push(input.readRetainedSlice(to - from) as Frame)
    input.readerIndex = end
    this.#end(input.readUnsignedByte())
  }

  /** A value or element has ended with this byte; behind an element comes the next one. */
  #end(byte: number): void {
    if (this.#state === IN_VALUE || byte === CLOSE_BRACKET) this.#reset()
    else this.#scanned = 0
  }

  #reset(): void {
    this.#state = BETWEEN
    this.#depth = 0
    this.#insideString = false
    this.#escaped = false
    this.#scanned = 0
    this.#discarding = false
  }

  /** Drops all that is unread, but follows it: what comes later of the last value is dropped too. */
  #failTooLong(input: ByteBuf): never {
    const readable = input.readableBytes
    input.skipBytes(this.#scanned)
    while (input.isReadable) this.#follow(input.readUnsignedByte())
    this.#scanned = 0
    this.#discarding = this.#state !== BETWEEN
    throw new TooLongFrameError(`maxObjectLength: ${this.#maxObjectLength} exceeded by ${readable} unread bytes - discarded`)
  }

  #follow(byte: number): void {
    if (this.#state === BETWEEN) this.#begin(byte)
    else if (this.#isEnd(byte)) this.#end(byte)
  }

  /** Drops the rest of the value that was too long. */
  #discard(input: ByteBuf): void {
    const end = this.#findEnd(input, 0)
    if (end < 0) return void input.skipBytes(input.readableBytes)
    this.#discarding = false
    input.skipBytes(end)
    this.#end(input.readUnsignedByte())
  }

  #failCorrupted(input: ByteBuf): never {
    const readable = input.readableBytes
    const shown = input.toString(input.readerIndex, Math.min(readable, SHOWN_BYTES), 'hex')
    input.skipBytes(readable)
    this.#state = CORRUPTED
    throw new CorruptedFrameError(`no JSON object or array begins with ${shown}${readable > SHOWN_BYTES ? '…' : ''} - discarding`)
  }
}

/** What Java calls white space among ASCII; JSON has four of them. */
function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x1c && byte <= 0x1f)
}
