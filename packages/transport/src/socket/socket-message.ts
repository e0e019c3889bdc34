import { ByteBuf } from '@knotty/buffer'
import { UnsupportedMessageTypeError } from '../channel/errors.js'

/** `msg` itself when a socket can write it; otherwise an {@link UnsupportedMessageTypeError} that says what is missing. */
export function checkSocketMessage(msg: unknown): ByteBuf | Uint8Array {
  if (ByteBuf.isByteBuf(msg) || msg instanceof Uint8Array) return msg
  if (typeof msg === 'string') {
    throw new UnsupportedMessageTypeError(
      'a socket writes ByteBuf and Uint8Array, not strings: add a StringEncoder, or write Unpooled.copiedBuffer(text, "utf8")',
    )
  }
  const type = typeof msg === 'object' && msg !== null ? msg.constructor?.name : typeof msg
  throw new UnsupportedMessageTypeError(`a socket writes ByteBuf and Uint8Array, not ${type}: add an encoder (MessageToByteEncoder) for it`)
}
