import { ByteBuf } from '@knotty/buffer'
import { UnsupportedMessageTypeError } from '../channel/errors.js'
import { typeNameOf } from '../channel/type-name.js'

/** `msg` itself when a socket can write it; otherwise an {@link UnsupportedMessageTypeError} that says what is missing. */
export function checkSocketMessage(msg: unknown): ByteBuf | Uint8Array {
  if (ByteBuf.isByteBuf(msg) || msg instanceof Uint8Array) return msg
  if (typeof msg === 'string') {
    throw new UnsupportedMessageTypeError(
      'a socket writes ByteBuf and Uint8Array, not strings: add a StringEncoder, or write Unpooled.copiedBuffer(text, "utf8")',
    )
  }
  throw new UnsupportedMessageTypeError(`a socket writes ByteBuf and Uint8Array, not ${typeNameOf(msg)}: add an encoder (MessageToByteEncoder) for it`)
}
