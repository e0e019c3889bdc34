import { getLogger } from '@knotty/common'
import { EventEmitter } from 'eventemitter3'
import type { SocketAddress } from '../socket/address.js'
import type { Channel } from './channel.js'

/** Why an accepted socket was closed before it was registered. */
export interface RefusedEvent {
  /**
   * For people and for metrics' labels. Before a channel is made: `too few descriptors are free`, `the server has as many connections as
   * it may`, `the server does not accept now (AUTO_READ is off)`, `the server is not registered to an event
   * loop`, `no channel could be made`. Afterwards, until it is registered: `a handler of the server threw`, `no handler of the server took
   * it`, `the server could not admit it`, `its handler, options or attributes could not be set`, `the initializer failed`, `a handler threw
   * before the channel was registered`, `the registration failed`, `the registration timed out`, `the server was closed meanwhile`, `it was
   * closed before it was registered`.
   */
  readonly reason: string
  readonly remoteAddress: SocketAddress | undefined
  readonly cause: Error | undefined
}

/** The events of `channel.events` and what listeners get. */
export interface ChannelEventMap {
  registered: []
  active: []
  inactive: []
  /** Closed; `channel.closeFuture` is done. */
  close: []
  /** `channel.isWritable` changed to this; false, perhaps once more, when the output is shut down: for good. */
  writability: [isWritable: boolean]
  /** An exception no handler took; the channel is closed next, unless the pipeline opted out. */
  exception: [cause: Error]
  /** Server only: a child is registered. */
  accepted: [child: Channel]
  /** Server only: an accepted socket was closed before it was registered. */
  refused: [event: RefusedEvent]
}

/**
 * Tells code outside the pipeline what happens to a channel; handlers use the pipeline. A listener that throws is logged, and keeps
 * the later ones of that event from running, but never the channel.
 */
export class ChannelEvents extends EventEmitter<ChannelEventMap> {
  override emit<T extends EventEmitter.EventNames<ChannelEventMap>>(
    event: T,
    ...args: EventEmitter.EventArgs<ChannelEventMap, T>
  ): boolean {
    try {
      return super.emit(event, ...args)
    } catch (error) {
      getLogger().warn(`a listener of channel.events threw at "${event}"`, error)
      return true
    }
  }
}
