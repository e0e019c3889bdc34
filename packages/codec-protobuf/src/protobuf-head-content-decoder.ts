import type { ByteBuf } from '@knotty/buffer'
import { ByteToMessageDecoder, CorruptedFrameError, DEFAULT_MAX_CUMULATION_BYTES, TooLongFrameError } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'
import { decodeBody } from './body.js'
import { WrongMagicError, WrongVersionError } from './errors.js'
import { checkHeadContent, type HeadContent, type HeadContentOptions, MAGIC_LENGTH } from './head-content.js'

/**
 * Makes protobuf messages of a stream in which each has a header before it. All numbers are big-endian.
 *
 *     new ProtobufHeadContentDecoder({ type, magic: 0x4b4e, version: 1 })
 *
 *     BYTES (8 + 5)                                          MESSAGE
 *     +--------+---------+------------+----------------+
 *     | Magic  | Version |   Length   |      Body      |     { text: 'hey' }
 *     | 0x4B4E | 0x0001  | 0x00000005 | 0A 03 68 65 79 |---->
 *     +--------+---------+------------+----------------+
 *       2        1 or 2    2 or 4       Length
 *
 * Magic and version are checked as soon as their bytes are there, the length before anything is kept for the body. The body is read
 * where it was received, and the message shares no memory with it: nobody has to release anything.
 *
 * Every error is final: what comes behind it would be a guess. They go to exceptionCaught, and the pipeline's tail closes the channel:
 *
 * - {@link WrongMagicError} (`ERR_KNOTTY_PROTOBUF_MAGIC`), {@link WrongVersionError} (`ERR_KNOTTY_PROTOBUF_VERSION`)
 * - CorruptedFrameError (`ERR_KNOTTY_CORRUPTED_FRAME`) for a negative length
 * - TooLongFrameError (`ERR_KNOTTY_TOO_LONG_FRAME`) for a length above `maxBodyLength`
 * - MalformedProtobufError (`ERR_KNOTTY_PROTOBUF_MALFORMED`) for a body that is no message of the type
 *
 * @typeParam T the messages of the type, for a TypedPipeline
 */
export class ProtobufHeadContentDecoder<T extends object = object> extends ByteToMessageDecoder<T> {
  readonly #head: HeadContent

  /** An IllegalArgumentError for options that do not go together. */
  constructor(options: HeadContentOptions) {
    const head = checkHeadContent(options)
    super({ maxCumulationBytes: Math.max(DEFAULT_MAX_CUMULATION_BYTES, head.headerLength + head.maxBodyLength) })
    this.#head = head
  }

  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: T[]): number | void {
    const { headerLength, lengthOffset, type } = this.#head
    const readable = input.readableBytes
    if (readable < MAGIC_LENGTH) return MAGIC_LENGTH - readable
    this.#checkMagic(input)
    if (readable < lengthOffset) return lengthOffset - readable
    this.#checkVersion(input)
    if (readable < headerLength) return headerLength - readable
    const bodyLength = this.#bodyLength(input)
    if (readable < headerLength + bodyLength) return headerLength + bodyLength - readable
    input.skipBytes(headerLength)
    out.push(decodeBody(type, input.readSlice(bodyLength).unsafeBuffer()) as T)
  }

  #checkMagic(input: ByteBuf): void {
    const magic = input.getUnsignedShort(input.readerIndex)
    if (magic !== this.#head.magic) throw new WrongMagicError(`magic: ${hex(magic)} (expected: ${hex(this.#head.magic)})`)
  }

  #checkVersion(input: ByteBuf): void {
    const at = input.readerIndex + MAGIC_LENGTH
    const version = this.#head.versionFieldLength === 1 ? input.getUnsignedByte(at) : input.getUnsignedShort(at)
    if (version !== this.#head.version) throw new WrongVersionError(`version: ${version} (expected: ${this.#head.version})`)
  }

  #bodyLength(input: ByteBuf): number {
    const { lengthFieldLength, maxBodyLength, lengthOffset } = this.#head
    const at = input.readerIndex + lengthOffset
    const length = lengthFieldLength === 2 ? input.getUnsignedShort(at) : input.getInt(at)
    if (length < 0) throw new CorruptedFrameError(`negative value of the length field: ${length}`)
    if (length > maxBodyLength) throw new TooLongFrameError(`maxBodyLength: ${maxBodyLength} exceeded by a body of ${length} bytes`)
    return length
  }
}

function hex(magic: number): string {
  return `0x${magic.toString(16).toUpperCase().padStart(2 * MAGIC_LENGTH, '0')}`
}
