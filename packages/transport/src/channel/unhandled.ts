import { release } from '@knotty/buffer'
import { diagnostics, getLogger, systemTicker } from '@knotty/common'
import { LimitedWarning } from './limited-warning.js'
import { isPeerCondition } from './peer-conditions.js'
import { ToldOnce } from './told-once.js'
import { typeNameOf } from './type-name.js'
import type { Channel } from './channel.js'

/** Names of the handlers whose unhandled messages were reported. */
const reportedHandlers = new ToldOnce()
/** A peer that sends what no decoder takes, over and over, must not fill the log. */
const uncaughtWarning = new LimitedWarning(10)

/** A message passed the last handler: releases it, and says so once for each name of a last handler. */
export function dropUnhandledMessage(channel: Channel, lastHandler: string, msg: unknown): void {
  if (diagnostics.messageUnhandled.hasSubscribers) {
    diagnostics.messageUnhandled.publish({ channel, message: msg, handler: lastHandler })
  }
  if (reportedHandlers.isFirst(lastHandler)) {
    const where = channel.pipeline.last === undefined ? 'an empty pipeline' : `the last handler (${lastHandler}) of ${channel.pipeline.toString()}`
    getLogger().warn(
      `a message of type ${typeNameOf(msg)} passed ${where} and was released; ` +
        'add a handler that takes it (told once for each handler name)',
    )
  }
  release(msg)
}

/**
 * An exception passed the last handler: says so in one line (ten a second at most), or, for what a peer does any day (ECONNRESET and the like), counts it.
 *
 * @param closes the caller closes the channel next
 */
export function reportUncaughtException(channel: Channel, cause: Error, closes: boolean): void {
  if (diagnostics.exceptionUncaught.hasSubscribers) diagnostics.exceptionUncaught.publish({ channel, cause })
  if (isPeerCondition(cause)) {
    if (channel.isRegistered) channel.eventLoop.counters.peerErrors++
    getLogger().debug(`${String(channel)}: the peer is gone`, cause)
    return
  }
  const next = closes ? 'the channel is closed' : 'the channel stays open'
  const message = (): string => `${String(channel)}: no handler took this exception, ${next} (${channel.pipeline.toString()})`
  uncaughtWarning.warn(systemTicker.now(), message, cause)
}
