import type { EventLoop } from '@knotty/transport'

interface Waiting {
  readonly task: () => void
  readonly deadline: number
  isCancelled: boolean
  isDone: boolean
  cancel(): boolean
}

/**
 * The ticker and the coarse timers of one event loop, in the hands of a test: time passes in {@link advance} alone. What the loop
 * schedules exactly (connect and registration deadlines) stays real.
 */
export class ManualClock {
  private time = 1000
  private readonly waiting = new Set<Waiting>()

  constructor(loop: EventLoop) {
    Object.defineProperty(loop, 'ticker', { value: { now: () => this.time } })
    Object.defineProperty(loop, 'scheduleCoarse', { value: (task: () => void, delayMs: number) => this.schedule(task, delayMs) })
  }

  /** Timers that wait. */
  get pending(): number {
    return this.waiting.size
  }

  /** Lets so much time pass, and what that started read from the sockets. `meanwhile` runs behind the timers, before any poll. */
  async advance(ms: number, meanwhile?: () => void): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        this.run(this.time + ms)
        meanwhile?.()
        resolve()
      })
    })
    for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  private run(until: number): void {
    for (;;) {
      const [next] = [...this.waiting].filter((each) => each.deadline <= until).sort((a, b) => a.deadline - b.deadline)
      if (next === undefined) break
      this.time = next.deadline
      this.waiting.delete(next)
      next.isDone = true
      next.task()
    }
    this.time = until
  }

  private schedule(task: () => void, delayMs: number): Waiting {
    const waiting: Waiting = {
      task,
      deadline: this.time + delayMs,
      isCancelled: false,
      isDone: false,
      cancel: () => {
        if (waiting.isDone) return false
        waiting.isDone = true
        waiting.isCancelled = true
        return this.waiting.delete(waiting)
      },
    }
    this.waiting.add(waiting)
    return waiting
  }
}
