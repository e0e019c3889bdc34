import { release } from '@knotty/buffer'
import { runInRootContext, type ScheduledTask } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'

/** A probe stops at so many held bytes: as many as one read slab has by default. */
const MAX_HELD_BYTES = 65536
/** What a held message counts at least: of a local connection it may be no buffer. */
const MIN_MESSAGE_BYTES = 96
/** A probe ends when so many turns of the loop in a row have brought nothing: a FIN behind bytes comes a turn later than they do. */
const IDLE_TURNS = 2

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
 * A full hold ends the probing until somebody reads some of it.
 */
export class PausedInput {
  private readonly channel: PausedChannel
  private readonly messages: { readonly msg: unknown; readonly counted: number }[] = []
  private heldBytes = 0
  private probing = false
  /** Turns in a row in which the probe under way has brought nothing. */
  private idleTurns = 0
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
    if (!this.isFull) this.arm(this.channel.livenessProbeMs)
  }

  /** No probe any more until {@link watch}. */
  disarm(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.probing = false
  }

  /** Keeps a message of so many bytes; it must stay valid. */
  hold(msg: unknown, bytes: number): void {
    const counted = Math.max(bytes, MIN_MESSAGE_BYTES)
    this.messages.push({ msg, counted })
    this.heldBytes += counted
    this.idleTurns = 0
    if (!this.isFull) return
    this.disarm()
    this.channel.stopReading()
  }

  /** The oldest message. */
  take(): unknown {
    const oldest = this.messages.shift()
    this.heldBytes -= oldest?.counted ?? 0
    return oldest?.msg
  }

  /** Somebody reads: what a probe under way brings up is theirs. */
  endProbing(): void {
    this.probing = false
  }

  /** Nobody will want them any more. */
  discard(): void {
    for (const { msg } of this.messages.splice(0)) release(msg)
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
    this.idleTurns = 0
    this.watch()
    try {
      channel.startReading()
    } catch (error) {
      return channel.onReadThrew(error)
    }
    runInRootContext(() => setImmediate(this.turn))
  }

  /** Once a turn of the loop, behind its poll phase, while the probe is under way. */
  private readonly turn = (): void => {
    if (!this.probing) return
    if (++this.idleTurns <= IDLE_TURNS) return void setImmediate(this.turn)
    this.probing = false
    this.channel.stopReading()
  }
}
