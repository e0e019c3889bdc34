import { getLogger } from '@knotty/common'
import type { Channel } from './channel.js'
import { UnsupportedMessageTypeError } from './errors.js'
import { ToldOnce } from './told-once.js'

const told = new ToldOnce()

/**
 * Warns, once for each type, of a message that no transport can send, such as a string without a StringEncoder: the future of the write
 * has the error, but most writes have nobody who looks at it, and the peer would wait for ever without a word.
 */
export function reportUnsupportedMessage(channel: Channel, error: Error): void {
  if (!(error instanceof UnsupportedMessageTypeError) || !told.isFirst(error.message)) return
  getLogger().warn(`${String(channel)}: a message was not sent: ${error.message} (told once for each type)`)
}
