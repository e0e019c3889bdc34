import { release } from '@knotty/buffer'
import { runInRootContext, type ScheduledTask } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'

/** A probe stops at so many held bytes: as many as one read slab has by default. */
const MAX_HELD_BYTES = 65536

/** The channel whose input is paused. */
interface PausedChannel {
  readonly isActive: boolean
  readonly eventLoop: EventLoop
  readonly livenessProbeMs: number
  /** Somebody asked for a read: the input is not paused any more. */
  readonly readPending: boolean
  startReading(): void
  stopReading(): void
  onReadThrew(thrown: unknown): void
}

/**
 * The input of a channel that nobody reads: looked at once an interval, so that the end of the connection is found (a socket that is
 * not read shows neither FIN nor RST), and the bytes that such a look brought up, in order, for the next read().
 *
 *     reading stops ──livenessProbeMs──► probe: read until the socket is empty or 64 KiB are held ──► stop ──livenessProbeMs──► …
 *
 * A full hold ends the probing until somebody reads.
 */
export class PausedInput {
  private readonly channel: PausedChannel
  private readonly messages: unknown[] = []
  private heldBytes = 0
  private probing = false
  private pausedAt = 0
  private timer: ScheduledTask | undefined = undefined

  constructor(channel: PausedChannel) {
    this.channel = channel
  }

  /** What arrives now must be given to {@link hold}. */
  get isHolding(): boolean {
    return this.probing || this.messages.length > 0
  }

  get isEmpty(): boolean {
    return this.messages.length === 0
  }

  get isFull(): boolean {
    return this.heldBytes >= MAX_HELD_BYTES
  }

  /** Reading has stopped: the first probe is due one interval from now. */
  watch(): void {
    this.pausedAt = this.channel.eventLoop.ticker.now()
    this.arm(this.channel.livenessProbeMs)
  }

  /** No probe any more until {@link watch}. */
  disarm(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.probing = false
  }

  /** Keeps a message of so many bytes; it must stay valid. */
  hold(msg: unknown, bytes: number): void {
    this.messages.push(msg)
    this.heldBytes += bytes
    if (!this.isFull) return
    this.probing = false
    this.channel.stopReading()
  }

  /** The oldest message. */
  take(): unknown {
    const msg = this.messages.shift()
    if (this.messages.length === 0) this.heldBytes = 0
    return msg
  }

  /** Somebody reads: what a probe under way brings up is theirs. */
  endProbing(): void {
    this.probing = false
  }

  /** Nobody will want them any more. */
  discard(): void {
    for (const msg of this.messages.splice(0)) release(msg)
    this.heldBytes = 0
    this.disarm()
  }

  private arm(delayMs: number): void {
    if (this.timer !== undefined || delayMs === 0) return
    this.timer = this.channel.eventLoop.scheduleCoarse(this.tick, delayMs)
  }

  private readonly tick = (): void => {
    this.timer = undefined
    const { channel } = this
    if (!channel.isActive || channel.readPending || this.isFull || channel.livenessProbeMs === 0) return
    const waitMs = this.pausedAt + channel.livenessProbeMs - channel.eventLoop.ticker.now()
    if (waitMs > 1) return this.arm(waitMs)
    this.probing = true
    try {
      channel.startReading()
    } catch (error) {
      return channel.onReadThrew(error)
    }
    // The poll phase comes next, and the check phase behind it: by then all that was in the socket has been read.
    runInRootContext(() => setImmediate(this.endProbe))
    this.watch()
  }

  private readonly endProbe = (): void => {
    if (!this.probing) return
    this.probing = false
    if (!this.channel.readPending) this.channel.stopReading()
  }
}
