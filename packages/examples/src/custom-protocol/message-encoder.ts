import { Buffer } from 'node:buffer'
import { type ByteBuf, type ChannelHandlerContext, MessageToByteEncoder } from 'knotty'
import { HEADER_BYTES, MAGIC, MAX_BODY_BYTES, Message, VERSION } from './message.js'

/** Writes messages as bytes. One that is too long fails its own write; the connection goes on. */
export class MessageEncoder extends MessageToByteEncoder<Message> {
  constructor() {
    super(Message) // other messages pass
  }

  protected override encode(_ctx: ChannelHandlerContext, message: Message, out: ByteBuf): void {
    const length = Buffer.byteLength(message.text) // bytes, not characters
    if (length > MAX_BODY_BYTES) throw new RangeError(`a body of ${length} bytes (at most ${MAX_BODY_BYTES})`)
    out.ensureWritable(HEADER_BYTES + length)
    out.writeShort(MAGIC).writeByte(VERSION).writeByte(message.type).writeInt(length)
    out.writeCharSequence(message.text, 'utf8')
  }
}
