import { type ScheduledTask, systemTicker } from '@knotty/common'

/** A {@link ScheduledTask} on a timer of Node, so by the clock of the process; a member of its loop's set while it waits, so that shutdown can cancel it. */
export class TimerTask implements ScheduledTask {
  deadline: number
  isCancelled = false
  isDone = false
  private readonly waiting: Set<TimerTask>
  private readonly run: () => void
  private readonly periodMs: number | undefined
  private readonly fromEnd: boolean
  private timer: NodeJS.Timeout

  /**
   * @param periodMs undefined runs once; otherwise the time to the next run, counted from when this one was due, or with `fromEnd`
   *   from its end
   */
  constructor(waiting: Set<TimerTask>, run: () => void, delayMs: number, periodMs: number | undefined, fromEnd: boolean) {
    this.waiting = waiting
    this.run = run
    this.periodMs = periodMs
    this.fromEnd = fromEnd
    this.deadline = systemTicker.now() + delayMs
    this.timer = setTimeout(this.fire, delayMs)
    waiting.add(this)
  }

  cancel(): boolean {
    if (this.isDone) return false
    this.isCancelled = true
    this.isDone = true
    clearTimeout(this.timer)
    this.waiting.delete(this)
    return true
  }

  private readonly fire = (): void => {
    if (this.periodMs === undefined) {
      this.isDone = true
      this.waiting.delete(this)
      this.run()
      return
    }
    this.run()
    if (this.isCancelled) return
    this.deadline = (this.fromEnd ? systemTicker.now() : this.deadline) + this.periodMs
    this.timer = setTimeout(this.fire, Math.max(0, this.deadline - systemTicker.now()))
  }
}
