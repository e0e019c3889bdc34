import { type Channel, channel } from 'node:diagnostics_channel'

/**
 * The `node:diagnostics_channel` channels that Knotty publishes to. Nothing is built for a message unless somebody subscribed.
 *
 * | name | message | when |
 * |---|---|---|
 * | `knotty:accept:refused` | `{ server, remoteAddress, reason, cause }` | an accepted socket was closed before channelRegistered |
 * | `knotty:exception:uncaught` | `{ channel, cause }` | an exception reached the tail of a pipeline |
 * | `knotty:leak:detected` | `{ resource, site, accesses }` | pooled memory was not recycled, or a chunk of a socket was held |
 * | `knotty:message:unhandled` | `{ channel, message, handler }` | a message reached the tail of a pipeline |
 * | `knotty:write:failed` | `{ channel, cause }` | a write that nobody watches failed |
 */
export const diagnostics: {
  readonly acceptRefused: Channel
  readonly exceptionUncaught: Channel
  readonly leakDetected: Channel
  readonly messageUnhandled: Channel
  readonly writeFailed: Channel
} = {
  acceptRefused: channel('knotty:accept:refused'),
  exceptionUncaught: channel('knotty:exception:uncaught'),
  leakDetected: channel('knotty:leak:detected'),
  messageUnhandled: channel('knotty:message:unhandled'),
  writeFailed: channel('knotty:write:failed'),
}
