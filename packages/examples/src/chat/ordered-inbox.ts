import type { Channel } from 'knotty'

/** Bounds of an {@link OrderedInbox}, in messages. */
export interface InboxLimits {
  /** From so many on the channel is not read. */
  readonly pauseAt: number
  /** And from so few on it is again. */
  readonly resumeAt: number
}

/**
 * The messages of one channel, handled one after the other though handling takes a while: the next begins when the one before is done.
 * So their order is kept, a channel has one task in the worker pool at a time, and channels do not wait for each other.
 *
 *     socket ──► | waiting | ──► handle ──► done, next
 *                pauseAt: AUTO_READ off, and TCP makes the sender wait; at most what one read had still comes (64 KiB of bytes)
 */
export class OrderedInbox<T> {
  private readonly channel: Channel
  private readonly limits: InboxLimits
  private readonly handle: (message: T) => Promise<void>
  private readonly mayGoOn: () => boolean
  private readonly waiting: T[] = []
  private running = false
  private reading: 'yes' | 'paused' | 'stopped' = 'yes'

  /**
   * @param handle deals with one message, and with all that can go wrong
   * @param mayGoOn false while the next one has to wait for something else; then somebody calls {@link run}
   */
  constructor(channel: Channel, limits: InboxLimits, handle: (message: T) => Promise<void>, mayGoOn: () => boolean) {
    this.channel = channel
    this.limits = limits
    this.handle = handle
    this.mayGoOn = mayGoOn
  }

  /** Nothing waits and nothing is being handled. */
  get isIdle(): boolean {
    return !this.running && this.waiting.length === 0
  }

  push(message: T): void {
    this.waiting.push(message)
    if (this.waiting.length >= this.limits.pauseAt && this.reading === 'yes') {
      this.reading = 'paused'
      this.channel.config.autoRead = false
    }
    this.run()
  }

  /** What waits is still handled. */
  stopReading(): void {
    this.reading = 'stopped'
    this.channel.config.autoRead = false
  }

  /** Goes on when it may. Where it throws, the handler of the channel hears of it. */
  run(): void {
    if (this.running || this.waiting.length === 0 || !this.mayGoOn()) return
    this.running = true
    this.handleAll().catch((error: unknown) => this.channel.pipeline.fireExceptionCaught(error as Error))
  }

  private async handleAll(): Promise<void> {
    try {
      while (this.waiting.length > 0 && this.mayGoOn()) {
        await this.handle(this.waiting.shift() as T)
        this.resume()
      }
    } finally {
      this.running = false
    }
  }

  private resume(): void {
    if (this.reading !== 'paused' || this.waiting.length > this.limits.resumeAt) return
    this.reading = 'yes'
    this.channel.config.autoRead = true
  }
}
