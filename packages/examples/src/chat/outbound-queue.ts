import type { Channel } from 'knotty'
import type { ChatEvent } from './protocol.js'

/**
 * What goes to one session, in order. While the channel is writable events leave at once; while it is not they wait here, and when too
 * many do {@link offer} says no: the caller tells the sender. Nothing is dropped in silence, and a slow reader costs a bounded amount.
 *
 *     offer ──► | waiting, at most maxWaiting | ──► channel's own buffer (to its high water mark) ──► kernel ──► peer
 */
export class OutboundQueue {
  private readonly channel: Channel
  private readonly maxWaiting: number
  private readonly waiting: ChatEvent[] = []

  constructor(channel: Channel, maxWaiting: number) {
    this.channel = channel
    this.maxWaiting = maxWaiting
  }

  /** Everything has gone to the channel, and it would take more. */
  get isIdle(): boolean {
    return this.waiting.length === 0 && this.channel.isWritable
  }

  get length(): number {
    return this.waiting.length
  }

  /** False when the session reads too slowly to take one more. */
  offer(event: ChatEvent): boolean {
    if (!this.isIdle && this.waiting.length >= this.maxWaiting) return false
    this.push(event)
    return true
  }

  /** Puts an event behind the others whatever waits: replies, of which a session has one at a time. */
  push(event: ChatEvent): void {
    if (this.isIdle) this.channel.writeAndFlush(event, null)
    else this.waiting.push(event)
  }

  /** The channel may have become writable. */
  drain(): void {
    if (this.waiting.length === 0 || !this.channel.isWritable) return
    let written = 0
    while (written < this.waiting.length && this.channel.isWritable) this.channel.write(this.waiting[written++], null)
    this.waiting.splice(0, written)
    this.channel.flush() // may be entered again from here: the list is right already
  }
}
