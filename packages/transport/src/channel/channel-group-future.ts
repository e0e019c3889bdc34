import { DefaultPromise, type Future } from '@knotty/common'
import type { Channel } from './channel.js'
import type { ChannelFuture } from './channel-future.js'
import type { ChannelGroup } from './channel-group.js'
import { ChannelGroupError } from './errors.js'

/**
 * The result of an operation on a {@link ChannelGroup}: done when it is done on every channel, and then a success if it was on all of
 * them (also when there was none), otherwise a {@link ChannelGroupError} that has each failure. Iterating gives the futures of the
 * channels. It cannot be cancelled.
 */
export interface ChannelGroupFuture extends Future, Iterable<ChannelFuture> {
  readonly group: ChannelGroup
  /** How many channels the operation was for. */
  readonly size: number
  /** The future of this channel; undefined when the operation was not for it. */
  find(channel: Channel): ChannelFuture | undefined
  /** Some have succeeded by now, but not all. */
  readonly isPartialSuccess: boolean
  /** Some have failed by now, but not all. */
  readonly isPartialFailure: boolean
}

/** The one implementation of {@link ChannelGroupFuture}. */
export class DefaultChannelGroupFuture extends DefaultPromise<void> implements ChannelGroupFuture {
  readonly group: ChannelGroup
  private readonly futures: ReadonlyMap<Channel, ChannelFuture>
  private succeeded = 0
  private readonly failures: { readonly channel: Channel; readonly cause: Error }[] = []

  constructor(group: ChannelGroup, futures: ReadonlyMap<Channel, ChannelFuture>) {
    super()
    this.group = group
    this.futures = futures
    this.setUncancellable()
    if (futures.size === 0) this.trySuccess()
    for (const future of futures.values()) future.addListener(this.onDone)
  }

  get size(): number {
    return this.futures.size
  }

  get isPartialSuccess(): boolean {
    return this.succeeded > 0 && this.succeeded < this.size
  }

  get isPartialFailure(): boolean {
    return this.failures.length > 0 && this.failures.length < this.size
  }

  find(channel: Channel): ChannelFuture | undefined {
    return this.futures.get(channel)
  }

  [Symbol.iterator](): IterableIterator<ChannelFuture> {
    return this.futures.values()
  }

  private readonly onDone = (future: ChannelFuture): void => {
    if (future.cause === undefined) this.succeeded++
    else this.failures.push({ channel: future.channel, cause: future.cause })
    if (this.succeeded + this.failures.length < this.size) return
    if (this.failures.length === 0) this.trySuccess()
    else this.tryFailure(new ChannelGroupError(this.group.name, this.size, this.failures))
  }
}
