import type { ScheduledTask } from '@knotty/common'
import { type CoarseTicker, EmbeddedEventLoop } from '@knotty/transport'

/** Zero may stand for "never" where a time is kept. */
const FIRST_MS = 1000
/** What a timer starts may take a few turns of the loop until the sockets have it. */
const TURNS = 6

/**
 * The time of an event loop with real sockets, in the hands of a test:
 *
 *     const ticker = new ManualTicker()
 *     const group = new EventLoopGroup({ ticker })
 *     …
 *     await ticker.advance(30_000)             // an IdleStateHandler fires now
 *
 * Coarse timers, those that handlers and channels use, run in {@link advance} alone, each at its own deadline. What a loop
 * schedules exactly (`schedule`, connect and registration deadlines) stays on the clock of the process. One ticker belongs to one loop.
 * A test without sockets needs none: the time of an EmbeddedChannel can be frozen and moved.
 */
export class ManualTicker implements CoarseTicker {
  private readonly timers = new EmbeddedEventLoop()

  constructor() {
    this.timers.freezeTime()
    this.timers.advanceTimeBy(Math.max(0, FIRST_MS - this.timers.ticker.now())) // the same for all: the clock ran until it was frozen
  }

  /** Milliseconds; they pass in {@link advance}. */
  now(): number {
    return this.timers.ticker.now()
  }

  /** How many coarse timers wait. */
  get pendingTimers(): number {
    return this.timers.scheduledTasks
  }

  /** For the event loop. */
  scheduleCoarse(task: () => void, delayMs: number): ScheduledTask {
    return this.timers.scheduleCoarse(task, delayMs)
  }

  /** For the event loop, when it shuts down. */
  cancelAll(): void {
    this.timers.cancelScheduledTasks()
  }

  /**
   * Lets so much time pass. When the promise is done, timers that came due have run and what they started has had a few turns of the
   * loop to reach the sockets.
   *
   * @param meanwhile runs behind the timers, before anything else can happen
   */
  async advance(durationMs: number, meanwhile?: () => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        try {
          this.timers.advanceTimeBy(durationMs)
          meanwhile?.()
          resolve()
        } catch (error) {
          reject(error as Error)
        }
      })
    })
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}
