import { ByteBuf, release, retain } from '@knotty/buffer'
import { checkOptions, IllegalArgumentError, inspectInOneLine, shown } from '@knotty/common'
import type { Channel } from './channel.js'
import type { ChannelFuture } from './channel-future.js'
import { type ChannelGroupFuture, DefaultChannelGroupFuture } from './channel-group-future.js'
import type { ChannelId } from './channel-id.js'
import { type ChannelMatcher, ChannelMatchers, isServer } from './channel-matchers.js'
import { DefaultChannelPromise } from './channel-promise.js'

/** Options of {@link ChannelGroup}. */
export interface ChannelGroupOptions {
  /** For messages (`group-` and a running number). */
  readonly name?: string
  /** Once close() was called for all, close whatever is added later (false). */
  readonly stayClosed?: boolean
}

let lastNumber = 0

/**
 * A set of open channels to write to, or to close, at once: the members of a chat room, or all of a server with the server itself. A
 * channel leaves when it is closed; it may be in many groups.
 *
 *     const room = new ChannelGroup({ name: 'lobby' })
 *     room.add(ctx.channel)
 *     room.writeAndFlush(frame, ChannelMatchers.isNot(ctx.channel))
 *
 * An operation is for the members there are when it begins (that the matcher chooses), server channels first; it goes on when it fails
 * on one. The future tells of each channel.
 */
export class ChannelGroup implements Iterable<Channel> {
  static {
    inspectInOneLine(this)
  }

  readonly name: string
  private readonly stayClosed: boolean
  private readonly servers = new Map<ChannelId, Channel>()
  private readonly others = new Map<ChannelId, Channel>()
  private closed = false

  constructor(options: ChannelGroupOptions = {}) {
    checkOptions(options, 'new ChannelGroup({ name })')
    this.name = options.name ?? `group-${++lastNumber}`
    this.stayClosed = options.stayClosed ?? false
  }

  get size(): number {
    return this.servers.size + this.others.size
  }

  /**
   * Adds a channel; true when it is a member now and was none before. A closed channel is not added; with stayClosed, after close(), a
   * newcomer is closed. An {@link IllegalArgumentError} for what is no channel, such as the future of one.
   */
  add(channel: Channel): boolean {
    if ((channel as Partial<Channel> | undefined)?.closeFuture === undefined) {
      throw new IllegalArgumentError(`channel: ${shown(channel)} (expected: a Channel; await the future of connect or bind first)`)
    }
    const members = this.membersLike(channel)
    const { id } = channel
    if (members.has(id)) return false
    members.set(id, channel)
    channel.closeFuture.addListener(this.leave) // at once when it is closed already
    if (this.closed && members.has(id)) channel.close()
    return members.has(id)
  }

  /** Takes a channel out; it stays open. False when it was no member. */
  remove(channel: Channel): boolean {
    if (!this.membersLike(channel).delete(channel.id)) return false
    channel.closeFuture.removeListener(this.leave)
    return true
  }

  has(channel: Channel): boolean {
    return this.membersLike(channel).has(channel.id)
  }

  find(id: ChannelId): Channel | undefined {
    return this.others.get(id) ?? this.servers.get(id)
  }

  /** Server channels first. */
  *[Symbol.iterator](): IterableIterator<Channel> {
    yield* this.servers.values()
    yield* this.others.values()
  }

  /**
   * Writes `msg` to each connection, server channels left out: a duplicate of a ByteBuf with indexes of its own, over the same bytes;
   * any other message itself, retained when it is reference-counted. The group owns `msg` and releases it.
   *
   * A channel that is not writable gets it all the same, and what it keeps grows: leave such ones out with a matcher,
   * `(channel) => channel.isWritable`, and decide what becomes of them.
   */
  write(msg: unknown, matcher?: ChannelMatcher): ChannelGroupFuture {
    return this.writeEach(msg, matcher, (channel, copy) => channel.write(copy))
  }

  /** {@link write}, and flush. */
  writeAndFlush(msg: unknown, matcher?: ChannelMatcher): ChannelGroupFuture {
    return this.writeEach(msg, matcher, (channel, copy) => channel.writeAndFlush(copy))
  }

  /** Flushes the connections. */
  flush(matcher: ChannelMatcher = ChannelMatchers.all): this {
    for (const channel of [...this.others.values()].filter(matcher)) channel.flush()
    return this
  }

  /** Without a matcher this is what `stayClosed` refers to. */
  close(matcher?: ChannelMatcher): ChannelGroupFuture {
    if (matcher === undefined) this.closed = this.stayClosed // first: closing may bring newcomers
    return this.each(matcher, (channel) => channel.close())
  }

  disconnect(matcher?: ChannelMatcher): ChannelGroupFuture {
    return this.each(matcher, (channel) => channel.disconnect())
  }

  /** Members stay members. */
  deregister(matcher?: ChannelMatcher): ChannelGroupFuture {
    return this.each(matcher, (channel) => channel.deregister())
  }

  /** Done when all that are members now are closed, whoever closes them. */
  newCloseFuture(matcher?: ChannelMatcher): ChannelGroupFuture {
    return this.each(matcher, (channel) => channel.closeFuture)
  }

  toString(): string {
    return `ChannelGroup(${this.name}, ${this.size} channels)`
  }

  private writeEach(
    msg: unknown,
    matcher: ChannelMatcher = ChannelMatchers.all,
    write: (channel: Channel, copy: unknown) => ChannelFuture,
  ): ChannelGroupFuture {
    try {
      const chosen = [...this.others.values()].filter(matcher)
      return this.run(chosen, (channel) => write(channel, ByteBuf.isByteBuf(msg) ? msg.retainedDuplicate() : retain(msg)))
    } finally {
      release(msg)
    }
  }

  private each(matcher: ChannelMatcher = ChannelMatchers.all, operation: (channel: Channel) => ChannelFuture): ChannelGroupFuture {
    return this.run([...this].filter(matcher), operation)
  }

  private run(channels: readonly Channel[], operation: (channel: Channel) => ChannelFuture): ChannelGroupFuture {
    const futures = new Map<Channel, ChannelFuture>()
    for (const channel of channels) {
      try {
        futures.set(channel, operation(channel))
      } catch (error) {
        futures.set(channel, new DefaultChannelPromise(channel).setFailure(error)) // the others get theirs
      }
    }
    return new DefaultChannelGroupFuture(this, futures)
  }

  private membersLike(channel: Channel): Map<ChannelId, Channel> {
    return isServer(channel) ? this.servers : this.others
  }

  private readonly leave = (closed: ChannelFuture): void => void this.membersLike(closed.channel).delete(closed.channel.id)
}
