import {
  checkDurationMs,
  DefaultPromise,
  type Future,
  IllegalStateError,
  RejectedExecutionError,
  type Runnable,
  runTask,
  type ScheduledTask,
  type ShutdownOptions,
  systemTicker,
  type Ticker, inspectInOneLine } from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import { DefaultChannelPromise } from '../channel/channel-promise.js'
import { type EventLoop, type EventLoopCounters, newCounters } from '../eventloop/event-loop.js'

class VirtualTask implements ScheduledTask {
  deadline: number
  readonly order: number
  readonly task: (() => void) | Runnable
  /** What to add to the deadline for the next run: from the deadline (rate) or from the end of the run (delay). */
  readonly repeat: { readonly periodMs: number; readonly fromEnd: boolean } | undefined
  isCancelled = false
  isDone = false

  constructor(deadline: number, order: number, task: (() => void) | Runnable, repeat: VirtualTask['repeat']) {
    this.deadline = deadline
    this.order = order
    this.task = task
    this.repeat = repeat
  }

  cancel(): boolean {
    if (this.isDone) return false
    this.isCancelled = true
    this.isDone = true
    return true
  }
}

/**
 * The loop of an {@link EmbeddedChannel}: tasks wait until somebody runs them, and the clock can be frozen and moved. Each
 * scheduled task runs with the clock at its own deadline, ties in the order of scheduling.
 */
export class EmbeddedEventLoop implements EventLoop {
  static {
    inspectInOneLine(this, (loop) => `EmbeddedEventLoop(${loop.scheduledTasks} timers)`)
  }

  readonly number = 0
  readonly counters: EventLoopCounters = newCounters()
  readonly ticker: Ticker = { now: () => this.frozenAt ?? systemTicker.now() - this.offset }
  channelCount = 0
  private frozenAt: number | undefined = undefined
  private offset: number = systemTicker.now()
  private tasks: (() => void)[] = []
  private timers: VirtualTask[] = []
  private lastOrder = 0
  private readonly termination = new DefaultPromise<void>()
  private shuttingDown = false

  inEventLoop(): boolean {
    return true
  }

  get isShuttingDown(): boolean {
    return this.shuttingDown
  }

  get isTerminated(): boolean {
    return this.termination.isDone
  }

  get terminationFuture(): Future<void> {
    return this.termination
  }

  /** How many scheduled tasks wait that are not cancelled. */
  get scheduledTasks(): number {
    return this.timers.filter((timer) => !timer.isCancelled).length
  }

  execute(task: () => void): void {
    this.tasks.push(task)
  }

  schedule(task: () => void, delayMs: number): ScheduledTask {
    return this.add(task, delayMs, undefined)
  }

  /** Exact here. */
  scheduleCoarse(task: (() => void) | Runnable, delayMs: number): ScheduledTask {
    return this.add(task, delayMs, undefined)
  }

  scheduleAtFixedRate(task: () => void, initialDelayMs: number, periodMs: number): ScheduledTask {
    return this.add(task, initialDelayMs, { periodMs: checkDurationMs(periodMs, 'periodMs'), fromEnd: false })
  }

  scheduleWithFixedDelay(task: () => void, initialDelayMs: number, delayMs: number): ScheduledTask {
    return this.add(task, initialDelayMs, { periodMs: checkDurationMs(delayMs, 'delayMs'), fromEnd: true })
  }

  register(channel: Channel): ChannelFuture {
    const promise = new DefaultChannelPromise(channel)
    const registered = channel as AbstractChannel
    if (this.shuttingDown) {
      registered.closeForcibly()
      return promise.setFailure(new RejectedExecutionError('the event loop is shutting down and takes no channels'))
    }
    registered.register0(this, promise)
    return promise
  }

  shutdownGracefully(_options?: ShutdownOptions): Future<void> {
    this.shuttingDown = true
    this.cancelScheduledTasks()
    this.runTasks()
    this.termination.trySuccess()
    return this.termination
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdownGracefully()
  }

  /** Runs the tasks that wait, and those they post, in order. */
  runTasks(): void {
    for (let task = this.tasks.shift(); task !== undefined; task = this.tasks.shift()) runTask(task)
  }

  /** Runs the scheduled tasks that are due now; ms until the next one, or -1 when there is none. */
  runScheduledTasks(): number {
    const now = this.ticker.now()
    for (let timer = this.next(); timer !== undefined && timer.deadline <= now; timer = this.next()) this.fire(timer)
    const next = this.next()
    return next === undefined ? -1 : next.deadline - now
  }

  /** Stops the clock, at a whole millisecond: sums of whole delays stay exact. */
  freezeTime(): void {
    this.frozenAt ??= Math.ceil(this.ticker.now())
  }

  /** Lets the clock go on from where it stands. */
  unfreezeTime(): void {
    if (this.frozenAt === undefined) return
    this.offset = systemTicker.now() - this.frozenAt
    this.frozenAt = undefined
  }

  /** Moves the frozen clock; every task that comes due on the way runs at its own deadline. IllegalStateError when not frozen. */
  advanceTimeBy(durationMs: number): void {
    if (this.frozenAt === undefined) throw new IllegalStateError('freezeTime() first')
    const end = this.frozenAt + checkDurationMs(durationMs, 'durationMs')
    this.runTasks()
    for (let timer = this.next(); timer !== undefined && timer.deadline <= end; timer = this.next()) {
      this.frozenAt = Math.max(this.frozenAt, timer.deadline)
      this.fire(timer)
      this.runTasks()
    }
    this.frozenAt = end
  }

  cancelScheduledTasks(): void {
    for (const timer of this.timers) timer.cancel()
    this.timers = []
  }

  private add(task: (() => void) | Runnable, delayMs: number, repeat: VirtualTask['repeat']): ScheduledTask {
    const deadline = this.ticker.now() + checkDurationMs(delayMs, 'delayMs')
    const timer = new VirtualTask(deadline, ++this.lastOrder, task, repeat)
    this.timers.push(timer)
    return timer
  }

  private next(): VirtualTask | undefined {
    this.timers = this.timers.filter((timer) => !timer.isCancelled)
    let first: VirtualTask | undefined
    for (const timer of this.timers) {
      const order = first === undefined ? -1 : timer.deadline - first.deadline || timer.order - first.order
      if (order < 0) first = timer
    }
    return first
  }

  private fire(timer: VirtualTask): void {
    if (timer.repeat === undefined) {
      timer.isDone = true
      this.timers.splice(this.timers.indexOf(timer), 1)
    }
    runTask(timer.task)
    if (timer.repeat === undefined) return
    // Not below a millisecond a round: a period of 0 would never let time pass.
    timer.deadline = (timer.repeat.fromEnd ? this.ticker.now() : timer.deadline) + Math.max(timer.repeat.periodMs, 1)
  }
}
