import type { ByteBuf } from '@knotty/buffer'
import { checkNonNegativeInteger, checkOptions, checkPositiveInteger, IllegalArgumentError } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { ByteToMessageDecoder, DEFAULT_MAX_CUMULATION_BYTES } from './byte-to-message-decoder.js'
import { CorruptedFrameError, DecoderError, TooLongFrameError } from './errors.js'
import type { Frame } from './frame.js'
import { type ByteOrder, checkByteOrder, checkInteger } from './length-field.js'
import { sharedSettings } from './shared-settings.js'

const TWO_TO_32 = 0x100000000

/** Options of a {@link LengthFieldBasedFrameDecoder}; lengths are bytes. */
export interface LengthFieldBasedFrameDecoderOptions {
  /** The longest frame taken, header and length field included, before stripping. Required: it bounds what a peer can make us keep. */
  readonly maxFrameLength: number
  /** Where the length field begins in the frame (0). */
  readonly lengthFieldOffset?: number
  /** Size of the length field: 1, 2, 3, 4 or 8; any other when a subclass overrides getUnadjustedFrameLength. */
  readonly lengthFieldLength: number
  /** What to add to the value of the length field to get the bytes behind it (0). */
  readonly lengthAdjustment?: number
  /** How many bytes at the front of each frame are dropped (0). */
  readonly initialBytesToStrip?: number
  /** Report a frame that is too long as soon as its length is known (true), or when all of it has been discarded (false). */
  readonly failFast?: boolean
  /** Byte order of the length field ('BE'). */
  readonly byteOrder?: ByteOrder
  /** Go on with the next frame after one that is too long or corrupted (true); false: the first error is final. */
  readonly resynchronise?: boolean
  /** See ByteToMessageDecoderOptions: 16 MiB, or `maxFrameLength` and the header when that is more. */
  readonly maxCumulationBytes?: number
}

/** The options, checked; see there. */
interface FrameFormat {
  readonly maxFrameLength: number
  readonly lengthFieldOffset: number
  readonly lengthFieldLength: number
  readonly lengthFieldEnd: number
  /** What the value of the length field is short of the whole frame. */
  readonly valueToFrame: number
  readonly initialBytesToStrip: number
  readonly failFast: boolean
  readonly byteOrder: ByteOrder
  /** The length is four bytes big-endian at the front, and nobody overrides how it is read. */
  readonly plain: boolean
}

/** One object for all decoders of the same format: 64 bytes less for each connection. */
const frameFormat = sharedSettings<FrameFormat>()

/**
 * Cuts a stream of bytes into frames by the value of a length field in each. A frame is a ByteBuf that whoever gets it releases; it shares
 * the memory it was received in.
 *
 *     new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 20, lengthFieldLength: 2 })
 *
 *     BEFORE DECODE (14 bytes)         AFTER DECODE (14 bytes)
 *     +--------+----------------+      +--------+----------------+
 *     | Length | Actual Content |----->| Length | Actual Content |
 *     | 0x000C | "HELLO, WORLD" |      | 0x000C | "HELLO, WORLD" |
 *     +--------+----------------+      +--------+----------------+
 *
 * `initialBytesToStrip: 2` drops the length field:
 *
 *     BEFORE DECODE (14 bytes)         AFTER DECODE (12 bytes)
 *     +--------+----------------+      +----------------+
 *     | Length | Actual Content |----->| Actual Content |
 *     | 0x000C | "HELLO, WORLD" |      | "HELLO, WORLD" |
 *     +--------+----------------+      +----------------+
 *
 * `lengthAdjustment: -2`, where the length counts its own field too:
 *
 *     BEFORE DECODE (14 bytes)         AFTER DECODE (14 bytes)
 *     +--------+----------------+      +--------+----------------+
 *     | Length | Actual Content |----->| Length | Actual Content |
 *     | 0x000E | "HELLO, WORLD" |      | 0x000E | "HELLO, WORLD" |
 *     +--------+----------------+      +--------+----------------+
 *
 * `lengthFieldOffset: 2, lengthFieldLength: 3`, with a header before the length:
 *
 *     BEFORE DECODE (17 bytes)                      AFTER DECODE (17 bytes)
 *     +----------+----------+----------------+      +----------+----------+----------------+
 *     | Header 1 |  Length  | Actual Content |----->| Header 1 |  Length  | Actual Content |
 *     |  0xCAFE  | 0x00000C | "HELLO, WORLD" |      |  0xCAFE  | 0x00000C | "HELLO, WORLD" |
 *     +----------+----------+----------------+      +----------+----------+----------------+
 *
 * `lengthFieldLength: 3, lengthAdjustment: 2`, with a header behind the length that it does not count:
 *
 *     BEFORE DECODE (17 bytes)                      AFTER DECODE (17 bytes)
 *     +----------+----------+----------------+      +----------+----------+----------------+
 *     |  Length  | Header 1 | Actual Content |----->|  Length  | Header 1 | Actual Content |
 *     | 0x00000C |  0xCAFE  | "HELLO, WORLD" |      | 0x00000C |  0xCAFE  | "HELLO, WORLD" |
 *     +----------+----------+----------------+      +----------+----------+----------------+
 *
 * `lengthFieldOffset: 1, lengthFieldLength: 2, lengthAdjustment: 1, initialBytesToStrip: 3`:
 *
 *     BEFORE DECODE (16 bytes)                       AFTER DECODE (13 bytes)
 *     +------+--------+------+----------------+      +------+----------------+
 *     | HDR1 | Length | HDR2 | Actual Content |----->| HDR2 | Actual Content |
 *     | 0xCA | 0x000C | 0xFE | "HELLO, WORLD" |      | 0xFE | "HELLO, WORLD" |
 *     +------+--------+------+----------------+      +------+----------------+
 *
 * The whole frame has `lengthFieldOffset + lengthFieldLength + value + lengthAdjustment` bytes. Errors, thrown to exceptionCaught:
 *
 * - {@link TooLongFrameError} when that is above `maxFrameLength`. The frame is discarded as it comes, without being kept.
 * - {@link CorruptedFrameError} for a negative value or a sum below the end of the length field (then only the bytes up to there are
 *   skipped), or a frame shorter than `initialBytesToStrip` (then the frame is skipped).
 *
 * With `resynchronise` (true) the next bytes are decoded as a frame again, with the next chunk (for the end of the input see
 * ByteToMessageDecoder); behind a corrupted length that is a guess, and the pipeline's tail, which closes the channel on an uncaught
 * exception, is the guard. Memory: for a length that was only announced at most four times the bytes that have come are allocated.
 */
export class LengthFieldBasedFrameDecoder extends ByteToMessageDecoder<Frame> {
  readonly #format: FrameFormat
  /** Bytes that are still to come of a frame that is too long. */
  #bytesToDiscard = 0
  /** Length of the frame being discarded. */
  #tooLongFrameLength = 0

  /** An {@link IllegalArgumentError} for a missing `maxFrameLength`, or numbers that do not go together. */
  constructor(options: LengthFieldBasedFrameDecoderOptions) {
    checkOptions(options, 'new LengthFieldBasedFrameDecoder({ maxFrameLength, lengthFieldLength })')
    const { maxFrameLength, lengthFieldLength, lengthFieldOffset = 0, resynchronise = true } = options
    if (maxFrameLength === undefined) {
      throw new IllegalArgumentError('maxFrameLength: undefined (expected: the longest frame you accept, such as maxFrameLength: 1 << 20)')
    }
    checkPositiveInteger(maxFrameLength, 'maxFrameLength')
    checkNonNegativeInteger(lengthFieldOffset, 'lengthFieldOffset')
    checkPositiveInteger(lengthFieldLength, 'lengthFieldLength')
    if (lengthFieldOffset > maxFrameLength - lengthFieldLength) {
      const sum = `lengthFieldOffset(${lengthFieldOffset}) + lengthFieldLength(${lengthFieldLength})`
      throw new IllegalArgumentError(`maxFrameLength: ${maxFrameLength} (expected: at least ${sum})`)
    }
    const lengthFieldEnd = lengthFieldOffset + lengthFieldLength
    const least = Math.max(DEFAULT_MAX_CUMULATION_BYTES, maxFrameLength + lengthFieldEnd)
    super({ resynchronise, maxCumulationBytes: options.maxCumulationBytes ?? least })
    const byteOrder = checkByteOrder(options.byteOrder ?? 'BE')
    const usual = this.getUnadjustedFrameLength === LengthFieldBasedFrameDecoder.prototype.getUnadjustedFrameLength
    this.#format = frameFormat({
      maxFrameLength,
      lengthFieldOffset,
      lengthFieldLength,
      lengthFieldEnd,
      valueToFrame: checkInteger(options.lengthAdjustment ?? 0, 'lengthAdjustment') + lengthFieldEnd,
      initialBytesToStrip: checkNonNegativeInteger(options.initialBytesToStrip ?? 0, 'initialBytesToStrip'),
      failFast: options.failFast ?? true,
      byteOrder,
      plain: lengthFieldOffset === 0 && lengthFieldLength === 4 && byteOrder === 'BE' && usual,
    })
  }

  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): number | void {
    if (this.#bytesToDiscard > 0) LengthFieldBasedFrameDecoder.#discard(this, input)
    const readable = input.readableBytes
    const format = this.#format
    if (readable < format.lengthFieldEnd) return format.lengthFieldEnd - readable
    const value = format.plain
      ? input.getUnsignedInt(input.readerIndex)
      : this.getUnadjustedFrameLength(input, input.readerIndex + format.lengthFieldOffset, format.lengthFieldLength, format.byteOrder)
    const frameLength = value + format.valueToFrame
    // false for NaN too
    const isGood = value >= 0 && frameLength >= format.lengthFieldEnd && frameLength <= format.maxFrameLength
    if (!isGood) return LengthFieldBasedFrameDecoder.#refuse(this, input, value, frameLength)
    if (readable < frameLength) return frameLength - readable
    const strip = format.initialBytesToStrip
    if (strip > 0) {
      if (strip > frameLength) failStrip(input, frameLength, strip)
      input.skipBytes(strip)
    }
    out.push(input.readRetainedSlice(frameLength - strip) as Frame)
  }

  /**
   * The value of the length field, before `lengthAdjustment`. Override it for another encoding; the result is an integer, and a negative
   * one makes the frame corrupted. It may be called several times for one frame.
   *
   * @param buffer the input; its indexes stay as they are
   * @param offset where in `buffer` the field begins; all its bytes are there
   * @throws DecoderError for a length that it cannot read
   */
  protected getUnadjustedFrameLength(buffer: ByteBuf, offset: number, length: number, order: ByteOrder): number {
    const little = order === 'LE'
    switch (length) {
      case 1:
        return buffer.getUnsignedByte(offset)
      case 2:
        return little ? buffer.getUnsignedShortLE(offset) : buffer.getUnsignedShort(offset)
      case 3:
        return little ? buffer.getUnsignedMediumLE(offset) : buffer.getUnsignedMedium(offset)
      case 4:
        return little ? buffer.getUnsignedIntLE(offset) : buffer.getUnsignedInt(offset)
      case 8:
        return little
          ? buffer.getIntLE(offset + 4) * TWO_TO_32 + buffer.getUnsignedIntLE(offset)
          : buffer.getInt(offset) * TWO_TO_32 + buffer.getUnsignedInt(offset + 4)
      default:
        throw new DecoderError(`lengthFieldLength: ${length} (expected: 1, 2, 3, 4 or 8, or an override of getUnadjustedFrameLength)`)
    }
  }

  /* Static, as in ByteToMessageDecoder: with private methods each instance would have a field more. */

  /** Drops what has come of the frame that is too long. */
  static #discard(decoder: LengthFieldBasedFrameDecoder, input: ByteBuf): void {
    const format = decoder.#format
    const length = Math.min(decoder.#bytesToDiscard, input.readableBytes)
    input.skipBytes(length)
    decoder.#bytesToDiscard -= length
    if (decoder.#bytesToDiscard === 0 && !format.failFast) throw tooLong(format, decoder.#tooLongFrameLength, 'discarded')
  }

  static #refuse(decoder: LengthFieldBasedFrameDecoder, input: ByteBuf, value: number, frameLength: number): void {
    const format = decoder.#format
    const { lengthFieldEnd } = format
    if (!(value >= 0)) {
      input.skipBytes(lengthFieldEnd)
      throw new CorruptedFrameError(`negative value of the length field: ${value}`)
    }
    if (frameLength < lengthFieldEnd) {
      input.skipBytes(lengthFieldEnd)
      const end = `the length field ends at ${lengthFieldEnd}`
      throw new CorruptedFrameError(`frame length ${frameLength} (value ${value}, adjusted) is too small: ${end}`)
    }
    // Above 2^53 the sum is not exact, but neither compares below maxFrameLength, nor will as many bytes ever come.
    const length = Math.min(frameLength, input.readableBytes)
    input.skipBytes(length)
    decoder.#bytesToDiscard = frameLength - length
    decoder.#tooLongFrameLength = frameLength
    if (decoder.#bytesToDiscard === 0) throw tooLong(format, frameLength, 'discarded')
    if (format.failFast) throw tooLong(format, frameLength, 'discarding')
  }
}

function tooLong({ maxFrameLength }: FrameFormat, frameLength: number, doing: string): TooLongFrameError {
  return new TooLongFrameError(`maxFrameLength: ${maxFrameLength} exceeded by a frame of ${frameLength} bytes - ${doing}`)
}

function failStrip(input: ByteBuf, frameLength: number, strip: number): never {
  input.skipBytes(frameLength)
  throw new CorruptedFrameError(`frame length ${frameLength} is less than initialBytesToStrip: ${strip}`)
}
