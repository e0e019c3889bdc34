import { type ByteBuf, ByteToMessageDecoder, type ChannelHandlerContext, CorruptedFrameError, TooLongFrameError } from 'knotty'
import { FAILURE, HEADER_BYTES, MAGIC, MAX_BODY_BYTES, Message, REQUEST, VERSION } from './message.js'

/**
 * Cuts messages off the stream. Everything the header claims is checked before a byte of the body is waited for; what is wrong ends the
 * connection with an error that says what came and what was expected.
 */
export class MessageDecoder extends ByteToMessageDecoder {
  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    if (input.readableBytes < HEADER_BYTES) return HEADER_BYTES - input.readableBytes
    const start = input.readerIndex // bytes before it were read already: positions are relative to it
    const magic = input.getUnsignedShort(start)
    const version = input.getUnsignedByte(start + 2)
    const type = input.getUnsignedByte(start + 3)
    const length = input.getUnsignedInt(start + 4)
    if (magic !== MAGIC) throw new CorruptedFrameError(`magic: 0x${magic.toString(16)} (expected: 0x${MAGIC.toString(16)})`)
    if (version !== VERSION) throw new CorruptedFrameError(`version: ${version} (expected: ${VERSION})`)
    if (type < REQUEST || type > FAILURE) throw new CorruptedFrameError(`type: ${type} (expected: ${REQUEST} to ${FAILURE})`)
    if (length > MAX_BODY_BYTES) throw new TooLongFrameError(`a body of ${length} bytes (at most ${MAX_BODY_BYTES})`)

    const missing = HEADER_BYTES + length - input.readableBytes
    if (missing > 0) return missing // decode is called again when they are there
    input.skipBytes(HEADER_BYTES)
    out.push(new Message(type, input.readCharSequence(length, 'utf8')))
  }
}
