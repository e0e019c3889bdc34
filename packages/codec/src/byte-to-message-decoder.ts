import type { ByteBuf } from '@knotty/buffer'
import { checkOptions, checkPositiveInteger, IllegalStateError } from '@knotty/common'
import {
  addedMark,
  bytesToMessages,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelInputShutdownEvent,
  type Consumes,
  type InboundTypes,
} from '@knotty/transport'
import type { DecodeDriver, DrivenDecoder } from './decode-driver.js'
import { type DecodeSettings, decodeSettings } from './decode-settings.js'
import { noDecode } from './decoder-errors.js'
import { giveBackDriver, takeDriver } from './driver-pool.js'

/** How many unread bytes a decoder keeps unless told otherwise: 16 MiB. */
export const DEFAULT_MAX_CUMULATION_BYTES: number = 16 * 1024 * 1024

/** Options of every {@link ByteToMessageDecoder}. */
export interface ByteToMessageDecoderOptions {
  /** Decode one message a chunk at most (false). For a decoder that removes or replaces itself after its first message. */
  readonly singleDecode?: boolean
  /**
   * How many bytes may wait undecoded (16 MiB). Beyond that the decoder fails for good with a TooLongFrameError, code
   * `ERR_KNOTTY_CUMULATION_LIMIT`. Bytes that `decode` announced as missing count, and nothing is allocated for them before. So do those
   * of nested reads that wait, together with what is unread of the present chunk.
   */
  readonly maxCumulationBytes?: number
  /**
   * Go on after an error with the bytes that `decode` has not read (false; true in framers that find the next frame by themselves), as long
   * as the input has not ended. Otherwise the first error is final.
   */
  readonly resynchronise?: boolean
}

/**
 * Makes messages of a stream of bytes, whatever chunks they come in. A subclass says how one message is cut off the front:
 *
 *     class IntegerDecoder extends ByteToMessageDecoder {
 *       decode(ctx, input, out) {
 *         if (input.readableBytes < 4) return 4 - input.readableBytes   // bytes still missing
 *         out.push(input.readInt())
 *       }
 *     }
 *
 *          chunks                     IntegerDecoder                 messages
 *     | 00 00 | 00 01 00 00 00 02 | ──────────────────────► 1, 2 ──► next handler
 *
 * **Calls.** For each chunk, and once more when the input ends, `decode` is called until it neither reads a byte nor adds a message. What
 * one call added is fired before the next. A message added without reading anything is an error: it would come for ever.
 *
 * **Bytes still missing.** `decode` may return how many bytes it needs beyond the readable ones (at least 1), when it added no message. It
 * is not called before they are there, memory for them is made in a few steps, and a large frame is copied once instead of being
 * shifted about. Without a number it is called for each chunk with everything unread. Keep positions relative to `input.readerIndex`:
 * between calls the bytes may move.
 *
 * **Ownership.** `input` is the decoder's; do not release it, nor keep it. For bytes in a message take `input.readRetainedSlice(n)`,
 * which copies nothing and which the receiver releases, or `input.readBytes(n)`. While `decode` runs, `input` is the chunk itself; only
 * what it leaves unread is copied ({@link copiedBytes}), before channelRead returns. Messages that are no ByteBuf pass on.
 *
 * **Errors.** What `decode` throws goes to exceptionCaught as a DecoderError, with the original as `cause` unless it is one already;
 * messages added before are fired first. That ends decoding: the bytes at hand and all later ones are released, and the first later
 * ones are reported by one more DecoderError (code `ERR_KNOTTY_DECODER_FAILED_BEFORE`). With `resynchronise` the unread bytes wait for
 * the next chunk and are decoded with it; at the end of the input, where none comes, they are decoded once more, and an error there drops
 * whatever is behind it, as in Netty. An async `decode` is an error (`ERR_KNOTTY_ASYNC_CODEC`).
 *
 * **Removal.** A decoder that is removed or replaced passes its unread bytes to the next handler, which is the replacement, and then
 * channelReadComplete. Inside `decode` this waits until it has returned and its messages are fired. Cleaning up is for handlerRemoved0.
 *
 * **Nested reads.** What comes while a message is being decoded or fired is read after it, in order. The bytes that wait so count as
 * unread: above `maxCumulationBytes` all are dropped, and decoding ends.
 *
 * With AUTO_READ off, a read that gave no message asks for the next one, because no handler further on will. A decoder keeps the bytes of
 * one channel, so it is never sharable: an {@link IllegalStateError} from the constructor, or from the pipeline for an `isSharable` field.
 *
 * @typeParam Out the messages it makes; a TypedPipeline checks them against what the next handler takes
 */
export abstract class ByteToMessageDecoder<Out = unknown> implements ChannelHandler {
  /** For the compiler, see HandlerTypes: nothing is there at run time. */
  declare readonly handlerTypes: InboundTypes<Consumes<ByteBuf>, Out>

  static {
    Object.defineProperty(this.prototype, bytesToMessages, { value: true })
    Object.defineProperty(this.prototype, addedMark, {
      get(this: ByteToMessageDecoder): boolean {
        return this.#wasAdded
      },
      set(this: ByteToMessageDecoder, value: boolean) {
        this.#wasAdded = value
      },
    })
  }

  #wasAdded = false
  readonly #settings: DecodeSettings
  /** Undefined while nothing is read and nothing is unread: a decoder of an idle connection is one small object. */
  #driver: DecodeDriver | undefined = undefined

  /** An {@link IllegalArgumentError} for options that are no object, or a `maxCumulationBytes` that is no positive integer. */
  constructor(options: ByteToMessageDecoderOptions = {}) {
    checkOptions(options, 'super({ singleDecode, maxCumulationBytes, resynchronise })')
    const maxCumulationBytes = checkPositiveInteger(options.maxCumulationBytes ?? DEFAULT_MAX_CUMULATION_BYTES, 'maxCumulationBytes')
    const { singleDecode = false, resynchronise = false } = options
    this.#settings = decodeSettings({ singleDecode, resynchronise, maxCumulationBytes })
    ensureNotSharable(this)
  }

  /** Bytes copied so far because they were left over from a chunk, growth of the buffer for them included. */
  get copiedBytes(): number {
    return this.#driver?.copiedBytes ?? 0
  }

  /** Bytes received and not yet decoded, those of waiting nested reads included. */
  get unreadBytes(): number {
    return this.#driver?.unreadBytes ?? 0
  }

  /**
   * Reads one message off `input`, if it is there completely, and adds it to `out`; several are allowed. Otherwise leaves `input` alone,
   * or reads what it can and remembers that in fields.
   *
   * @param input the unread bytes, at least one; owned by the decoder
   * @param out takes the messages; nothing else may be done with it
   * @returns how many bytes are still missing for the next message, or nothing
   */
  protected abstract decode(ctx: ChannelHandlerContext, input: ByteBuf, out: Out[]): number | void

  /**
   * Called once when the input ends, after `decode` has taken what it could: `input` has what is left, perhaps nothing. The default calls
   * {@link decode} when there is something. The end may come twice: at ChannelInputShutdownEvent and at channelInactive.
   */
  protected decodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: Out[]): number | void {
    if (input.isReadable) ByteToMessageDecoder.#drive(this).callDecode(ctx, input, out)
  }

  /** The decoder has left the pipeline and passed its unread bytes on: for the subclass to clean up. */
  protected handlerRemoved0(_ctx: ChannelHandlerContext): void {}

  /** Checks that the instance is not sharable, and that there is a `decode`. A subclass that overrides this calls it. */
  handlerAdded(_ctx: ChannelHandlerContext): void {
    if (typeof this.decode !== 'function') throw noDecode(this)
    ensureNotSharable(this)
  }

  /** Passes the unread bytes on. A subclass overrides {@link handlerRemoved0} instead. */
  handlerRemoved(ctx: ChannelHandlerContext): void {
    ByteToMessageDecoder.#drive(this).removed(ctx)
    ByteToMessageDecoder.#rest(this)
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ByteToMessageDecoder.#drive(this).read(ctx, msg)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ByteToMessageDecoder.#drive(this).readComplete(ctx)
    ByteToMessageDecoder.#rest(this)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    ByteToMessageDecoder.#drive(this).inputClosed(ctx, true)
    ByteToMessageDecoder.#rest(this)
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    try {
      // the peer will send no more, though it may still read: decodeLast may end a request here
      if (event instanceof ChannelInputShutdownEvent) {
        ByteToMessageDecoder.#drive(this).inputClosed(ctx, false)
        ByteToMessageDecoder.#rest(this)
      }
    } finally {
      ctx.fireUserEventTriggered(event)
    }
  }

  /* Static: with private methods each instance would have a field more. */

  static #drive<Out>(decoder: ByteToMessageDecoder<Out>): DecodeDriver {
    return (decoder.#driver ??= takeDriver(decoder as unknown as DrivenDecoder, decoder.#settings))
  }

  /** Gives the driver back unless it keeps something. */
  static #rest<Out>(decoder: ByteToMessageDecoder<Out>): void {
    const driver = decoder.#driver
    if (driver === undefined || !driver.isIdle) return
    decoder.#driver = undefined
    giveBackDriver(driver)
  }
}

function ensureNotSharable(decoder: ChannelHandler): void {
  if (decoder.isSharable !== true) return
  const name = decoder.constructor.name
  throw new IllegalStateError(`${name} keeps the bytes of one channel, so it cannot be sharable: make a new one for each channel`)
}
