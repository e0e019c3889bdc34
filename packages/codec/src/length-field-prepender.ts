import { ByteBuf, release } from '@knotty/buffer'
import { checkOptions, IllegalArgumentError } from '@knotty/common'
import { type ChannelHandler, type ChannelHandlerContext, type ChannelPromise, DefaultChannelPromise } from '@knotty/transport'
import { EncoderError } from './errors.js'
import { type ByteOrder, checkByteOrder, checkInteger } from './length-field.js'
import { smallBuffer } from './small-buffer.js'

/** Options of a {@link LengthFieldPrepender}. */
export interface LengthFieldPrependerOptions {
  /** Size of the length field in bytes: 1, 2, 3, 4 or 8. */
  readonly lengthFieldLength: number
  /** What is added to the length that is written (0). */
  readonly lengthAdjustment?: number
  /** The length counts its own field too (false). */
  readonly lengthIncludesLengthFieldLength?: boolean
  /** Byte order of the length field ('BE'). */
  readonly byteOrder?: ByteOrder
}

/** The first value that a length field of so many bytes cannot hold; what a number can hold exactly for 8 bytes. */
const LIMITS: Readonly<Record<number, number>> = { 1: 2 ** 8, 2: 2 ** 16, 3: 2 ** 24, 4: 2 ** 32, 8: 2 ** 53 }

/**
 * Puts the length of each outbound buffer before it, as a second buffer: header and body are two messages to the transport, which sends
 * them in one system call. Nothing of the body is copied.
 *
 *     new LengthFieldPrepender({ lengthFieldLength: 2 })
 *
 *     BEFORE (12 bytes)         AFTER (2 + 12 bytes)
 *     +----------------+        +--------+ +----------------+
 *     | "HELLO, WORLD" |------->| 0x000C | | "HELLO, WORLD" |
 *     +----------------+        +--------+ +----------------+
 *
 * With `lengthIncludesLengthFieldLength: true` the length is 0x000E. ByteBuf and Uint8Array get a length; other messages pass on.
 *
 * The promise of the write goes with the body, and it also fails when the header does. From here on it cannot be cancelled: a header
 * without its body would put the peer out of step. With a null promise nothing is allocated beside the header.
 *
 * A length that is negative or does not fit the field fails the write with an {@link EncoderError} whose `cause` is an
 * IllegalArgumentError; the body is released and nothing is written. Sharable.
 */
export class LengthFieldPrepender implements ChannelHandler {
  readonly isSharable = true
  readonly #lengthFieldLength: number
  /** What is added to the bytes of the body. */
  readonly #toValue: number
  readonly #limit: number
  readonly #little: boolean
  readonly #fitsPrefix: boolean

  /** An {@link IllegalArgumentError} for a size of the field that is not 1, 2, 3, 4 or 8. */
  constructor(options: LengthFieldPrependerOptions) {
    checkOptions(options, 'new LengthFieldPrepender({ lengthFieldLength })')
    const { lengthFieldLength, lengthAdjustment = 0 } = options
    const limit = LIMITS[lengthFieldLength]
    if (limit === undefined) throw new IllegalArgumentError(`lengthFieldLength: ${String(lengthFieldLength)} (expected: 1, 2, 3, 4 or 8)`)
    this.#lengthFieldLength = lengthFieldLength
    this.#toValue = checkInteger(lengthAdjustment, 'lengthAdjustment') + (options.lengthIncludesLengthFieldLength ? lengthFieldLength : 0)
    this.#limit = limit
    this.#fitsPrefix = lengthFieldLength <= 4
    this.#little = checkByteOrder(options.byteOrder ?? 'BE') === 'LE'
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    let bytes: number
    if (ByteBuf.isByteBuf(msg)) bytes = msg.readableBytes
    else if (msg instanceof Uint8Array) bytes = msg.byteLength
    else return void ctx.write(msg, promise)

    const value = bytes + this.#toValue
    if (value < 0 || value >= this.#limit) {
      release(msg)
      throw this.#doesNotFit(value, bytes)
    }
    if (promise !== null && !promise.setUncancellable()) return void release(msg) // cancelled before: nothing is written
    if (this.#fitsPrefix && ctx.writePrefixed(this.#prefix(value), this.#lengthFieldLength, msg, promise)) return
    if (promise === null) {
      ctx.write(this.#header(value), null)
      ctx.write(msg, null)
    } else {
      this.#writeWatched(ctx, value, msg, promise)
    }
  }

  /** The bytes of the length field as a number with the first byte in the highest place. */
  #prefix(value: number): number {
    if (!this.#little) return value
    const swapped = ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)
    return swapped >>> (8 * (4 - this.#lengthFieldLength))
  }

  #writeWatched(ctx: ChannelHandlerContext, value: number, body: unknown, promise: ChannelPromise): void {
    ctx.write(this.#header(value), new HeaderPromise(promise))
    if (promise.isDone) release(body) // the header could not be written
    else ctx.write(body, promise)
  }

  /** The length field alone; see {@link smallBuffer} for what it costs. */
  #header(value: number): ByteBuf {
    const length = this.#lengthFieldLength
    const header = smallBuffer(length)
    const little = this.#little
    switch (length) {
      case 4:
        return little ? header.setIntLE(0, value) : header.setInt(0, value)
      case 2:
        return little ? header.setShortLE(0, value) : header.setShort(0, value)
      case 3:
        return little ? header.setMediumLE(0, value) : header.setMedium(0, value)
      case 8:
        return little ? header.setLongLE(0, value) : header.setLong(0, value)
      default:
        return header.setByte(0, value)
    }
  }

  #doesNotFit(value: number, bytes: number): EncoderError {
    const field = `lengthFieldLength: ${this.#lengthFieldLength} (holds 0..${this.#limit - 1})`
    const cause = new IllegalArgumentError(`length ${value} of a message of ${bytes} bytes does not fit ${field}`)
    return new EncoderError(`LengthFieldPrepender failed: ${cause.message}`, { cause })
  }
}

/** The promise of a header: its failure is the failure of the whole message. */
class HeaderPromise extends DefaultChannelPromise {
  readonly #message: ChannelPromise

  constructor(message: ChannelPromise) {
    super(message.channel)
    this.#message = message
  }

  override tryFailure(cause: unknown): boolean {
    const failed = super.tryFailure(cause)
    if (failed) this.#message.tryFailure(cause)
    return failed
  }

  override cancel(): boolean {
    return false
  }
}
