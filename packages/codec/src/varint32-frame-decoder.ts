import type { ByteBuf } from '@knotty/buffer'
import { checkOptions, checkPositiveInteger } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { ByteToMessageDecoder, DEFAULT_MAX_CUMULATION_BYTES } from './byte-to-message-decoder.js'
import { CorruptedFrameError, TooLongFrameError } from './errors.js'
import type { Frame } from './frame.js'

/** 4 MiB: what gRPC takes of one message unless told otherwise. */
const DEFAULT_MAX_FRAME_LENGTH = 4 * 1024 * 1024
/** Seven bits a byte: 32 bits need five. */
const MAX_LENGTH_BYTES = 5

/** Options of a {@link Varint32FrameDecoder}; lengths are bytes. */
export interface Varint32FrameDecoderOptions {
  /** The longest message taken, its length field not counted (4 MiB). Netty has no limit here. */
  readonly maxFrameLength?: number
  /** Go on with the next message after one that is too long or corrupted (true); false: the first error is final. */
  readonly resynchronise?: boolean
  /** See ByteToMessageDecoderOptions: 16 MiB, or `maxFrameLength` and the length field when that is more. */
  readonly maxCumulationBytes?: number
}

/**
 * Cuts a stream of bytes into messages that have their length before them, as a varint of Protocol Buffers: seven bits a byte, the lowest
 * first, the top bit set in all but the last. The length is dropped. A message is a ByteBuf that whoever gets it releases; it shares the
 * memory it was received in. Netty: ProtobufVarint32FrameDecoder.
 *
 *     new Varint32FrameDecoder({ maxFrameLength: 1 << 20 })
 *
 *     BEFORE DECODE (302 bytes)        AFTER DECODE (300 bytes)
 *     +--------+---------------+       +---------------+
 *     | Length | Protobuf Data |------>| Protobuf Data |
 *     | 0xAC02 |  (300 bytes)  |       |  (300 bytes)  |
 *     +--------+---------------+       +---------------+
 *
 * Errors, thrown to exceptionCaught:
 *
 * - {@link TooLongFrameError} for a length above `maxFrameLength`, before anything is allocated; the message is discarded as it comes.
 * - {@link CorruptedFrameError} for a length of more than five bytes, or a negative one (bit 31 set; further bits are ignored, as in
 *   Netty); the five bytes are skipped. What follows is decoded as a length again, which is a guess: the pipeline's tail, which closes the
 *   channel on an uncaught exception, is the guard.
 *
 * With `resynchronise` (true) what is behind an error waits for the next chunk; for the end of the input see ByteToMessageDecoder.
 */
export class Varint32FrameDecoder extends ByteToMessageDecoder<Frame> {
  readonly #maxFrameLength: number
  /** Bytes that are still to come of a message that is too long. */
  #bytesToDiscard = 0

  /** An {@link IllegalArgumentError} unless the limits are positive integers. */
  constructor(options: Varint32FrameDecoderOptions = {}) {
    checkOptions(options, 'new Varint32FrameDecoder({ maxFrameLength })')
    const { resynchronise = true } = options
    const maxFrameLength = checkPositiveInteger(options.maxFrameLength ?? DEFAULT_MAX_FRAME_LENGTH, 'maxFrameLength')
    const least = Math.max(DEFAULT_MAX_CUMULATION_BYTES, maxFrameLength + MAX_LENGTH_BYTES)
    super({ resynchronise, maxCumulationBytes: options.maxCumulationBytes ?? least })
    this.#maxFrameLength = maxFrameLength
  }

  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: Frame[]): number | void {
    if (this.#bytesToDiscard > 0) return this.#discard(input)
    const start = input.readerIndex
    const readable = input.readableBytes
    let length = 0
    let count = 0
    for (;;) {
      if (count === readable) return 1
      const byte = input.getUnsignedByte(start + count)
      length |= (byte & 0x7f) << (7 * count)
      count++
      if (byte < 0x80) break
      if (count === MAX_LENGTH_BYTES) {
        input.skipBytes(count)
        throw new CorruptedFrameError(`a varint length of more than ${MAX_LENGTH_BYTES} bytes`)
      }
    }
    if (length < 0 || length > this.#maxFrameLength) this.#refuse(input, count, length)
    const missing = count + length - readable
    if (missing > 0) return missing
    input.skipBytes(count)
    out.push(input.readRetainedSlice(length) as Frame)
  }

  #refuse(input: ByteBuf, count: number, length: number): never {
    input.skipBytes(count)
    if (length < 0) throw new CorruptedFrameError(`negative length: ${length}`)
    this.#bytesToDiscard = length
    this.#discard(input)
    throw new TooLongFrameError(`maxFrameLength: ${this.#maxFrameLength} exceeded by a message of ${length} bytes - discarding`)
  }

  /** Drops what has come of the message that is too long. */
  #discard(input: ByteBuf): void {
    const length = Math.min(this.#bytesToDiscard, input.readableBytes)
    input.skipBytes(length)
    this.#bytesToDiscard -= length
  }
}
