import type { Future } from '@knotty/common'
import type { Channel } from './channel.js'

/**
 * The result of an operation on a channel. `await` of a bind or connect gives the channel, of every other operation nothing.
 * A failed write that nobody watches stays silent: look at the future, or at `exceptionCaught` and `channelInactive`.
 */
export interface ChannelFuture<T = void> extends Future<T> {
  readonly channel: Channel
}
