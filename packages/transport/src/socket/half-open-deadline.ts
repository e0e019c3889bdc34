import type { ScheduledTask } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'

/** A channel of which one direction has ended. */
interface HalfOpenChannel {
  readonly eventLoop: EventLoop
  /** When bytes last came that somebody wants. */
  readonly bytesCameAt: number
  /** When bytes last left. */
  readonly bytesLeftAt: number
  /** Of the write under way. */
  readonly inFlightProgress: number
}

/**
 * The time a connection may stay half-open without a byte moving in the direction that is left. A peer that never closes its side
 * would otherwise hold the socket for ever.
 */
export class HalfOpenDeadline {
  private readonly channel: HalfOpenChannel
  private readonly timeoutMs: number
  private readonly expired: () => void
  private movedAt: number
  private progress: number
  private timer: ScheduledTask | undefined = undefined

  constructor(channel: HalfOpenChannel, timeoutMs: number, expired: () => void) {
    this.channel = channel
    this.timeoutMs = timeoutMs
    this.expired = expired
    this.movedAt = channel.eventLoop.ticker.now()
    this.progress = channel.inFlightProgress
    this.arm(timeoutMs)
  }

  cancel(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private arm(delayMs: number): void {
    this.timer = this.channel.eventLoop.scheduleCoarse(() => this.tick(), delayMs)
  }

  private tick(): void {
    const { channel } = this
    const now = channel.eventLoop.ticker.now()
    if (channel.inFlightProgress !== this.progress) {
      this.progress = channel.inFlightProgress
      this.movedAt = now
    }
    this.movedAt = Math.max(this.movedAt, channel.bytesCameAt, channel.bytesLeftAt)
    const leftMs = this.movedAt + this.timeoutMs - now
    if (leftMs > 1) this.arm(leftMs)
    else this.expired()
  }
}
