import { type Runnable, runInRootContext, runTask, type ScheduledTask, type Ticker } from '@knotty/common'
import { CoarseTask, type CoarseTaskOwner, Link } from './coarse-task.js'
import { HashedWheel } from './hashed-wheel.js'

/** Delays below so many ticks get a timer of their own: a tick more would be a large part of them. */
const SHORT_TICKS = 10
/** What is late by more than so many ticks waits for one more poll phase. */
const LATE_TICKS = 2
/** The clock is read once in so many tasks, as in the task queue. */
const TASKS_PER_CLOCK_CHECK = 64

/** What {@link CoarseTimers} needs of its loop. */
export interface CoarseTimersSettings {
  readonly ticker: Ticker
  /** Runs a task behind the next poll phase and the tasks that wait already. */
  readonly later: (task: () => void) => void
  readonly tickMs: number
  /** How long timers may run before sockets get a turn. */
  readonly budgetMs: number
}

/**
 * The coarse timers of one event loop: a hashed wheel turned by one timer of Node, which runs only while something waits in it, and
 * for short delays a timer each. None of them keeps the process alive, and none is early.
 *
 *     timers phase            poll phase          check phase: task queue
 *     tick: due ◄─ wheel ───► sockets are read ──► earlier tasks, then what is due and was not cancelled meanwhile
 *
 * A tick expires nothing itself. So bytes that were in a socket when the deadline passed are read first, and cancel or re-arm the
 * timer that would have called their channel idle, however long the loop was blocked. (One poll phase reads every socket that has bytes:
 * libuv goes on while epoll fills its 1,024 events, up to 48 times.) When reading them took longer than two ticks itself, they run
 * one poll phase later: code that looks at the clock instead of at the deadline of its timer then sees what came meanwhile.
 */
export class CoarseTimers implements CoarseTaskOwner {
  private readonly settings: CoarseTimersSettings
  private readonly shorts = new Link()
  private readonly due = new Link()
  private wheel: HashedWheel | undefined = undefined
  /** Tasks in the wheel, and those taken out of it that have not run. */
  private inWheel = 0
  private interval: NodeJS.Timeout | undefined = undefined
  /** When the pass that is asked for was; undefined while none is. */
  private passAskedAt: number | undefined = undefined
  private passRepeated = false

  constructor(settings: CoarseTimersSettings) {
    this.settings = settings
  }

  /**
   * Runs `task` in the loop's root context, `delayMs` from now or up to a tick later, at a whole millisecond: a deadline with a fraction
   * would be 16 bytes more for each task.
   *
   * @param partOfMs what the delay is a part of: decides whether it is a short one
   */
  schedule(task: (() => void) | Runnable, delayMs: number, partOfMs: number = delayMs): ScheduledTask {
    const now = this.settings.ticker.now()
    const coarse = new CoarseTask(this, task, Math.ceil(now + delayMs))
    if (Math.max(delayMs, partOfMs) < SHORT_TICKS * this.settings.tickMs) {
      this.shorts.append(coarse)
      this.startTimer(coarse, delayMs)
    } else {
      this.addToWheel(coarse, now)
    }
    return coarse
  }

  /** Those that wait. The one at hand may be cancelled. */
  *[Symbol.iterator](): Generator<CoarseTask> {
    yield* this.shorts.tasks()
    yield* this.due.tasks()
    if (this.wheel !== undefined) yield* this.wheel
  }

  cancelAll(): void {
    for (const task of this) task.cancel()
    this.stop()
  }

  taskCancelled(task: CoarseTask): void {
    if (task.timer === undefined) return this.leftWheel()
    clearTimeout(task.timer)
    task.timer = undefined
  }

  private startTimer(task: CoarseTask, delayMs: number): void {
    runInRootContext(() => {
      task.timer = setTimeout(this.shortDue, Math.ceil(delayMs), task)
      task.timer.unref()
    })
  }

  private readonly shortDue = (task: CoarseTask): void => {
    const now = this.settings.ticker.now()
    // Node's clock has whole milliseconds: it may be early by the rest.
    if (now < task.deadline) return this.startTimer(task, task.deadline - now)
    task.unlink()
    this.due.append(task)
    this.askForPass(now)
  }

  private addToWheel(task: CoarseTask, now: number): void {
    this.wheel ??= new HashedWheel(this.settings.tickMs, now)
    if (this.inWheel++ === 0) this.wheel.skipTo(now)
    this.wheel.add(task)
    if (this.interval === undefined) runInRootContext(() => (this.interval = setInterval(this.tick, this.settings.tickMs).unref()))
  }

  private leftWheel(): void {
    this.inWheel--
  }

  private readonly tick = (): void => {
    // Only here: a task that is cancelled and replaced, over and over, must not start and stop the interval each time.
    if (this.inWheel === 0) return this.stop()
    const now = this.settings.ticker.now()
    this.wheel?.advance(now, this.due)
    if (!this.due.isEmpty) this.askForPass(now)
  }

  private stop(): void {
    clearInterval(this.interval)
    this.interval = undefined
  }

  private askForPass(now: number): void {
    if (this.passAskedAt !== undefined) return
    this.passAskedAt = now
    this.settings.later(this.pass)
  }

  /** Runs what is due, as long as the budget lasts. Nothing becomes due in here: that needs the timers phase. */
  private readonly pass = (): void => {
    const { ticker, tickMs, budgetMs } = this.settings
    const now = ticker.now()
    if (!this.passRepeated && now - (this.passAskedAt as number) > LATE_TICKS * tickMs) {
      this.passRepeated = true
      return this.settings.later(this.pass)
    }
    this.passRepeated = false
    this.passAskedAt = undefined
    let untilCheck = TASKS_PER_CLOCK_CHECK
    while (!this.due.isEmpty) {
      if (untilCheck-- === 0) {
        const time = ticker.now()
        if (time >= now + budgetMs) return this.askForPass(time)
        untilCheck = TASKS_PER_CLOCK_CHECK
      }
      this.run(this.due.next as CoarseTask)
    }
  }

  private run(task: CoarseTask): void {
    task.unlink()
    task.hasRun()
    if (task.timer === undefined) this.leftWheel()
    task.timer = undefined
    runTask(task.task)
  }
}
