import { ByteBuf, type Storage } from '@knotty/buffer'
import { diagnostics, IllegalArgumentError, inspectInOneLine } from '@knotty/common'
import type { ChannelPromise } from './channel-promise.js'
import type { Channel } from './channel.js'
import { bufferBytes, type OutboundEntry, recycle, releaseSafely, takeEntry } from './outbound-entry.js'
import type { WriteBufferWaterMark } from './write-water-mark.js'

/** What one message counts beside its bytes: Netty's figure, so that many empty writes trip the water mark too. */
const ENTRY_OVERHEAD_BYTES = 96
/** What a message counts that is no buffer. Netty: DefaultMessageSizeEstimator. */
const UNKNOWN_MESSAGE_BYTES = 8
/** Bit of the water mark in the writability bits; 1 to 31 are the user's. */
const WATER_MARK_BIT = 1
/** What the buffer needs from its channel. */
export interface OutboundChannel extends Channel {
  readonly writeBufferWaterMark: WriteBufferWaterMark
  /** Fires channelWritabilityChanged, at once or in a later task. */
  fireWritabilityChanged(later: boolean): void
  /** Bytes of the request under way that the kernel has taken so far. */
  readonly inFlightProgress: number
}

/**
 * The messages of one channel that wait to be sent, and whether the channel is writable.
 *
 *     first ──► [ flushed, flushed, flushed | unflushed, unflushed ] ◄── addMessage
 *                  current                  └── addFlush() moves this mark to the end
 *
 * `pending` counts every message from write() until it has left whole. Removing one releases it, then completes its promise, then
 * lowers `pending`, in this order (Netty's ChannelOutboundBuffer).
 */
export class OutboundBuffer {
  static {
    inspectInOneLine(this, (buffer) => `OutboundBuffer(${buffer.messages} messages, ${buffer.totalPendingWriteBytes} bytes pending, writable: ${buffer.isWritable})`)
  }

  private readonly channel: OutboundChannel
  private first: OutboundEntry | undefined = undefined
  private last: OutboundEntry | undefined = undefined
  private firstUnflushed: OutboundEntry | undefined = undefined
  private count = 0
  private flushedEntries = 0
  /** Unflushed messages with a promise: without any a flush has nothing to look at. */
  private cancellable = 0
  private pending = 0
  private completed = 0
  /** Writability bits; not zero: not writable. */
  private unwritable = 0
  private failing = false
  /** Of a {@link close} that came while the flushed messages were failing. */
  private closeCause: Error | undefined = undefined

  constructor(channel: OutboundChannel) {
    this.channel = channel
  }

  /** Messages written and not yet sent, flushed or not. */
  get messages(): number {
    return this.count
  }

  /**
   * Messages that have left or failed since the channel was made. A message added now has left as soon as this has grown by
   * {@link messages}.
   */
  get completedMessages(): number {
    return this.completed
  }

  /** Flushed messages that have not left. */
  get size(): number {
    return this.flushedEntries
  }

  get isEmpty(): boolean {
    return this.flushedEntries === 0
  }

  /** The first flushed message; undefined when there is none ({@link isEmpty}), or when its write was cancelled: nothing to send. */
  get current(): unknown {
    return this.firstFlushed?.msg
  }

  /** Bytes of the current message that have left. */
  get currentProgress(): number {
    const entry = this.firstFlushed
    return entry === undefined ? 0 : entry.progress + this.channel.inFlightProgress
  }

  /** Bytes written and not yet sent, 96 more for each message. */
  get totalPendingWriteBytes(): number {
    return this.pending
  }

  get isWritable(): boolean {
    return this.unwritable === 0
  }

  get bytesBeforeUnwritable(): number {
    const bytes = this.channel.writeBufferWaterMark.high - this.pending
    return bytes > 0 && this.isWritable ? bytes : 0
  }

  get bytesBeforeWritable(): number {
    const bytes = this.pending - this.channel.writeBufferWaterMark.low
    return bytes > 0 && !this.isWritable ? bytes : 0
  }

  /** Internal: the entry of the current message; {@link size} of them hang together. Undefined when there is none. */
  get firstFlushed(): OutboundEntry | undefined {
    return this.flushedEntries === 0 ? undefined : this.first
  }

  /** Internal: a message that waits, flushed or not, is a view of `storage`, or has one as component. */
  holds(storage: Storage): boolean {
    for (let entry = this.first; entry !== undefined; entry = entry.next) {
      if (ByteBuf.isByteBuf(entry.msg) && entry.msg.storage.includes(storage)) return true
    }
    return false
  }

  /** Adds a message; it is sent after the next {@link addFlush}. */
  addMessage(msg: unknown, promise: ChannelPromise | null): void {
    const bytes = bufferBytes(msg)
    this.add(msg, promise, (bytes < 0 ? UNKNOWN_MESSAGE_BYTES : bytes) + ENTRY_OVERHEAD_BYTES, 0, 0)
  }

  /**
   * {@link addMessage} of a buffer, with `prefixBytes` (1 to 4) bytes before it: the low ones of `prefix`, the most significant first. Towards
   * the water marks they count as the two messages that they stand for.
   */
  addPrefixed(prefix: number, prefixBytes: number, msg: ByteBuf | Uint8Array, promise: ChannelPromise | null): void {
    this.add(msg, promise, bufferBytes(msg) + prefixBytes + 2 * ENTRY_OVERHEAD_BYTES, prefix, prefixBytes)
  }

  private add(msg: unknown, promise: ChannelPromise | null, pending: number, prefix: number, prefixBytes: number): void {
    const entry = takeEntry()
    entry.msg = msg
    entry.promise = promise
    entry.pending = pending
    entry.prefix = prefix
    entry.prefixBytes = prefixBytes
    if (promise !== null) this.cancellable++
    if (this.last === undefined) this.first = entry
    else this.last.next = entry
    this.last = entry
    this.firstUnflushed ??= entry
    this.count++
    this.increasePending(pending)
  }

  /** Marks all messages as flushed. One cancelled before no longer counts, and is skipped when its turn comes. */
  addFlush(): void {
    let entry = this.firstUnflushed
    this.firstUnflushed = undefined
    this.flushedEntries = this.count
    if (this.cancellable === 0) return
    this.cancellable = 0
    let cancelledBytes = 0
    for (; entry !== undefined; entry = entry.next) {
      if (entry.promise === null || entry.promise.setUncancellable()) continue
      cancelledBytes += entry.pending
      entry.cancelled = true
      entry.pending = 0
      entry.prefixBytes = 0
      releaseSafely(entry.msg)
      entry.msg = undefined
    }
    // Behind the loop: the event this may fire may flush, write or close.
    if (cancelledBytes > 0) this.decreasePending(cancelledBytes, true)
  }

  /** The current message has left: releases it, completes its promise, lowers the pending bytes. False when there is none. */
  remove(): boolean {
    if (this.flushedEntries === 0) return false
    const entry = this.take()
    const { promise, pending, cancelled } = entry
    if (!cancelled) releaseSafely(entry.msg)
    recycle(entry)
    if (!cancelled) {
      promise?.trySuccess()
      this.decreasePending(pending, true)
    }
    return true
  }

  /** The current message has left whole when `bytes` have. False when there is none. */
  endsWithin(bytes: number): boolean {
    const size = this.firstFlushed?.size ?? -1
    return size >= 0 && size <= bytes
  }

  /**
   * `bytes` have left: removes the messages that are sent whole, empty ones behind them included, and records the progress of the
   * one the bytes end in. Stops at a message that is no buffer: it has no bytes to be sent by.
   */
  removeBytes(bytes: number): void {
    let left = bytes
    while (this.flushedEntries > 0) {
      const entry = this.first as OutboundEntry
      const { size } = entry
      if (size < 0) return
      if (size > left) {
        if (left > 0) entry.advance(left)
        return
      }
      left -= size
      this.remove()
    }
  }

  /**
   * Fails all flushed messages, oldest first; true when one of them had no promise. Re-entrant calls do nothing: a listener may
   * close the channel again.
   */
  failFlushed(cause: Error, notify: boolean): boolean {
    if (this.failing) return false
    this.failing = true
    let unwatched = false
    while (this.flushedEntries > 0) {
      const entry = this.take()
      const { promise, pending, cancelled } = entry
      fail(entry, cause, this.channel)
      if (cancelled) continue
      if (promise === null) unwatched = true
      this.decreasePending(pending, notify)
    }
    this.failing = false
    if (this.closeCause !== undefined) this.close(this.closeCause)
    return unwatched
  }

  /** Fails what was never flushed, in order and without events; the buffer is not used afterwards. */
  close(cause: Error): void {
    if (this.failing) {
      // A listener of a failing write closes the channel: let the others be told first.
      this.closeCause = cause
      return
    }
    this.failing = true
    while (this.first !== undefined) {
      const entry = this.shift()
      this.pending -= entry.pending
      fail(entry, cause, this.channel)
    }
    this.firstUnflushed = undefined
  }

  /** Bit `index` (1 to 31) of the writability: false makes the channel unwritable until it is set to true again. */
  setUserDefinedWritability(index: number, writable: boolean): void {
    this.setBit(userBit(index), !writable, true)
  }

  /** The value of bit `index` (1 to 31). */
  getUserDefinedWritability(index: number): boolean {
    return (this.unwritable & userBit(index)) === 0
  }

  private take(): OutboundEntry {
    this.flushedEntries--
    this.completed++
    return this.shift()
  }

  private shift(): OutboundEntry {
    const entry = this.first as OutboundEntry
    this.first = entry.next
    if (entry === this.last) this.last = undefined
    this.count--
    return entry
  }

  private increasePending(bytes: number): void {
    this.pending += bytes
    if (this.pending > this.channel.writeBufferWaterMark.high) this.setBit(WATER_MARK_BIT, true, false)
  }

  private decreasePending(bytes: number, notify: boolean): void {
    this.pending -= bytes
    if (notify && (this.unwritable & WATER_MARK_BIT) !== 0 && this.pending < this.channel.writeBufferWaterMark.low) {
      this.setBit(WATER_MARK_BIT, false, false)
    }
  }

  private setBit(bit: number, set: boolean, later: boolean): void {
    const before = this.unwritable
    this.unwritable = set ? before | bit : before & ~bit
    if ((before === 0) !== (this.unwritable === 0)) this.channel.fireWritabilityChanged(later)
  }
}

function userBit(index: number): number {
  if (!Number.isInteger(index) || index < 1 || index > 31) throw new IllegalArgumentError(`index: ${index} (expected: 1 to 31)`)
  return 1 << index
}

/** Releases the message, recycles the entry, then fails the promise. Without a promise only diagnostics hear of it. */
function fail(entry: OutboundEntry, cause: Error, channel: Channel): void {
  const { promise, cancelled } = entry
  if (!cancelled) releaseSafely(entry.msg)
  recycle(entry)
  if (cancelled) return
  if (promise !== null) promise.tryFailure(cause)
  else if (diagnostics.writeFailed.hasSubscribers) diagnostics.writeFailed.publish({ channel, cause })
}
