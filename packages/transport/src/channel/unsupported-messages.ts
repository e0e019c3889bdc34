import { getLogger } from '@knotty/common'
import type { Channel } from './channel.js'
import { UnsupportedMessageTypeError } from './errors.js'

/** Types that are remembered; a program that writes more of them has been told enough. */
const MAX_TOLD = 100

const told = new Set<string>()

/**
 * Warns, once for each type, of a message that no transport can send, such as a string without a StringEncoder: the future of the write
 * has the error, but most writes have nobody who looks at it, and the peer would wait for ever without a word.
 */
export function reportUnsupportedMessage(channel: Channel, error: Error): void {
  if (!(error instanceof UnsupportedMessageTypeError) || told.has(error.message) || told.size >= MAX_TOLD) return
  told.add(error.message)
  getLogger().warn(`${String(channel)}: a message was not sent: ${error.message} (told once for each type)`)
}
