import { AsyncResource } from 'node:async_hooks'
import process from 'node:process'
import {
  checkDurationMs,
  checkFunction,
  checkOptions,
  checkPositiveInteger,
  DefaultPromise,
  type Future,
  getLogger,
  IllegalArgumentError,
  inspectInOneLine,
  RejectedExecutionError,
  type Runnable,
  runInRootContext,
  runTask,
  type ScheduledTask,
  type ShutdownOptions,
  shown,
  systemTicker,
  type TaskOptions,
  TaskQueue,
  type Ticker,
} from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import { ChannelList } from '../channel/channel-list.js'
import { DefaultChannelPromise } from '../channel/channel-promise.js'
import { CoarseTimers } from './coarse-timers.js'
import { type EventLoop, type EventLoopCounters, newCounters } from './event-loop.js'
import { closeForSure } from '../socket/drain.js'
import { TimerTask } from './timer-task.js'

/** Settings of an event loop. */
export interface EventLoopOptions {
  /** Size of the memory all channels of the loop read into, in bytes (65536). */
  readonly readSlabBytes?: number
  /** Size of each piece of memory small writes are gathered in, in bytes (65536). */
  readonly writeSlabBytes?: number
  /** How long tasks may run before sockets and timers get a turn, in ms (5). */
  readonly taskBudgetMs?: number
  /**
   * How far apart the ticks of the wheel behind `scheduleCoarse` are, in ms from 1 to 60000 (100): a coarse timer is up to so much late.
   * Delays below ten ticks are exact, unless they are a part of a longer one (`partOfMs`).
   */
  readonly wheelTickMs?: number
  /** Overwrite the read slab with 0xDD after each chunk, so that a view kept by mistake shows (KNOTTY_POISON_SLAB=1, else false). */
  readonly poisonSlab?: boolean
  /** The time that channels see, and that of coarse timers, for tests (that of the process): `ManualTicker` of @knotty/testing. */
  readonly ticker?: CoarseTicker
}

/** A clock that runs coarse timers itself, as one that a test moves does. */
export interface CoarseTicker extends Ticker {
  /** As {@link EventLoop.scheduleCoarse}. */
  scheduleCoarse(task: () => void, delayMs: number): ScheduledTask
  /** The loop shuts down: none of its timers may run any more. */
  cancelAll(): void
}

const KEEP_ALIVE_INTERVAL_MS = 0x7fffffff
const MAX_WHEEL_TICK_MS = 60_000
/** What closes a channel posts at most three tasks, one after the other. */
const LAST_ROUNDS = 16

let lastNumber = 0

/** The event loop over this thread's libuv loop. */
export class DefaultEventLoop implements EventLoop {
  static {
    inspectInOneLine(this)
  }

  readonly number: number = ++lastNumber
  readonly counters: EventLoopCounters = newCounters()
  readonly ticker: Ticker
  readonly readSlabBytes: number
  readonly writeSlabBytes: number
  readonly poisonSlab: boolean
  private readonly coarseTicker: CoarseTicker | undefined
  private readonly tasks: TaskQueue
  private readonly channels = new ChannelList<AbstractChannel>('loopPlace')
  private readonly timers = new Set<TimerTask>()
  private readonly coarseTimers: CoarseTimers
  private readonly termination = new DefaultPromise<void>()
  private keepAlive: NodeJS.Timeout | undefined = undefined
  private shuttingDown = false
  private lastTaskAt = 0

  constructor(options: EventLoopOptions = {}) {
    this.readSlabBytes = checkSlabBytes(options.readSlabBytes ?? 65536, 'readSlabBytes')
    this.writeSlabBytes = checkSlabBytes(options.writeSlabBytes ?? 65536, 'writeSlabBytes')
    this.poisonSlab = options.poisonSlab ?? process.env['KNOTTY_POISON_SLAB'] === '1'
    const budgetMs = checkDurationMs(options.taskBudgetMs ?? 5, 'taskBudgetMs')
    this.coarseTicker = options.ticker === undefined ? undefined : checkTicker(options.ticker)
    this.ticker = options.ticker ?? systemTicker
    this.tasks = new TaskQueue(budgetMs, systemTicker)
    this.coarseTimers = new CoarseTimers({
      ticker: this.ticker,
      later: (task) => this.tasks.push(task),
      tickMs: checkWheelTickMs(options.wheelTickMs ?? 100),
      budgetMs,
    })
  }

  toString(): string {
    const state = this.isTerminated ? 'terminated' : this.shuttingDown ? 'shutting down' : 'running'
    return `EventLoop(${this.number}, ${state}, ${this.channelCount} channels)`
  }

  get channelCount(): number {
    return this.channels.size
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

  /** Internal: what {@link schedule} and the like, and {@link scheduleCoarse}, have waiting. */
  get pendingTimers(): readonly { readonly deadline: number }[] {
    return [...this.timers, ...this.coarseTimers]
  }

  inEventLoop(): boolean {
    return true
  }

  execute(task: () => void, options?: TaskOptions): void {
    if (this.isTerminated) throw new RejectedExecutionError('the event loop is shut down and takes no tasks')
    if (this.shuttingDown) this.lastTaskAt = systemTicker.now()
    this.tasks.push(options?.context === true ? AsyncResource.bind(task) : task)
  }

  schedule(task: () => void, delayMs: number, options?: TaskOptions): ScheduledTask {
    return this.addTimer(task, delayMs, undefined, false, options)
  }

  /**
   * {@link schedule} for timers in great numbers: up to `wheelTickMs` late, and it does not keep the process alive. The task runs behind
   * a poll phase that began after its deadline: bytes that were in a socket by then have been read, also when the loop was blocked.
   */
  scheduleCoarse(task: (() => void) | Runnable, delayMs: number, options?: TaskOptions): ScheduledTask {
    const checked = this.checkedTask(task, delayMs, options)
    if (this.coarseTicker !== undefined) return this.coarseTicker.scheduleCoarse(asFunction(checked), delayMs)
    return this.coarseTimers.schedule(checked, delayMs, options?.partOfMs)
  }

  scheduleAtFixedRate(task: () => void, initialDelayMs: number, periodMs: number, options?: TaskOptions): ScheduledTask {
    return this.addTimer(task, initialDelayMs, checkDurationMs(periodMs, 'periodMs'), false, options)
  }

  scheduleWithFixedDelay(task: () => void, initialDelayMs: number, delayMs: number, options?: TaskOptions): ScheduledTask {
    return this.addTimer(task, initialDelayMs, checkDurationMs(delayMs, 'delayMs'), true, options)
  }

  register(channel: Channel): ChannelFuture {
    const promise = new DefaultChannelPromise(channel)
    const registered = channel as AbstractChannel
    if (this.shuttingDown && !registered.isRegistered) {
      const cause = new RejectedExecutionError('the event loop is shutting down and takes no channels')
      registered.abandon(cause)
      return promise.setFailure(cause)
    }
    registered.register0(this, promise)
    return promise
  }

  /** Internal: an open channel is registered here; the first one makes the loop keep the process alive. */
  addChannel(channel: AbstractChannel): void {
    this.channels.add(channel)
    if (this.keepAlive === undefined) runInRootContext(() => (this.keepAlive = setInterval(() => undefined, KEEP_ALIVE_INTERVAL_MS)))
  }

  /** Internal: the channel is closed or deregistered. */
  removeChannel(channel: AbstractChannel): void {
    this.channels.delete(channel)
    if (this.channels.size > 0) return
    clearInterval(this.keepAlive)
    this.keepAlive = undefined
  }

  shutdownGracefully(options: ShutdownOptions = {}): Future<void> {
    checkOptions(options, '{ quietPeriodMs, timeoutMs }')
    const quietPeriodMs = checkDurationMs(options.quietPeriodMs ?? 2000, 'quietPeriodMs')
    const timeoutMs = checkDurationMs(options.timeoutMs ?? 15000, 'timeoutMs')
    if (timeoutMs < quietPeriodMs) {
      throw new IllegalArgumentError(`timeoutMs: ${timeoutMs} (expected: at least quietPeriodMs, ${quietPeriodMs})`)
    }
    if (this.shuttingDown) return this.termination
    this.shuttingDown = true
    this.cancelTimers()
    for (const channel of this.channels) if (channel.isServer) closeForSure(channel) // shutdown accepts nothing more
    const start = systemTicker.now()
    this.lastTaskAt = start
    runInRootContext(() => this.waitForQuiet(start + timeoutMs, quietPeriodMs))
    return this.termination
  }

  /** {@link shutdownGracefully} without a quiet period. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdownGracefully({ quietPeriodMs: 0 })
  }

  private waitForQuiet(deadline: number, quietPeriodMs: number): void {
    const now = systemTicker.now()
    const quietAt = Math.min(this.lastTaskAt + quietPeriodMs, deadline)
    if (now >= quietAt) this.tasks.push(() => this.closeChannels(deadline))
    // A loop without channels has nobody to be quiet for, but its tasks may still post tasks: Netty waits as well.
    else setTimeout(() => this.waitForQuiet(deadline, quietPeriodMs), quietAt - now)
  }

  private closeChannels(deadline: number): void {
    for (const channel of this.channels) channel.close()
    this.tasks.push(() => this.closeStubborn(deadline))
  }

  /** Channels whose handlers kept the close to themselves are closed past their pipelines. */
  private closeStubborn(deadline: number): void {
    for (const channel of this.channels) if (channel.isOpen) channel.close0(channel.newPromise())
    this.tasks.push(() => this.terminate(deadline))
  }

  /**
   * Tasks are run to the last one, but those that post others for ever do not hold the end up beyond the deadline; nor does a channel
   * that is closed and cannot be deregistered. (Its deregistration may take a few tasks: it gets them also when the deadline is now.)
   */
  private terminate(deadline: number, round = 0): void {
    const inTime = systemTicker.now() < deadline
    const waits = (this.channels.size > 0 && (inTime || round < LAST_ROUNDS)) || (this.tasks.size > 0 && inTime)
    if (waits) return this.tasks.push(() => this.terminate(deadline, round + 1))
    for (const channel of this.channels) {
      getLogger().error(`${channel.toString()} could not be deregistered before the shutdown of its event loop`)
      this.removeChannel(channel)
    }
    this.cancelTimers()
    this.termination.trySuccess()
  }

  private cancelTimers(): void {
    for (const timer of this.timers) timer.cancel()
    this.coarseTimers.cancelAll()
    this.coarseTicker?.cancelAll()
  }

  private addTimer(
    task: () => void,
    delayMs: number,
    periodMs: number | undefined,
    fromEnd: boolean,
    options: TaskOptions | undefined,
  ): TimerTask {
    const bound = this.checkedTask(task, delayMs, options)
    return new TimerTask(this.timers, () => runInRootContext(() => runTask(bound)), delayMs, periodMs, fromEnd)
  }

  /** The task with the context it asks for; throws when no timer can take it. */
  private checkedTask<T extends (() => void) | Runnable>(task: T, delayMs: number, options: TaskOptions | undefined): T | (() => void) {
    if (typeof (task as Partial<Runnable> | undefined)?.run !== 'function') checkFunction(task, 'task')
    checkDurationMs(delayMs, 'delayMs')
    if (options?.partOfMs !== undefined) checkDurationMs(options.partOfMs, 'partOfMs')
    if (this.isTerminated) throw new RejectedExecutionError('the event loop is shut down and takes no timers')
    return options?.context === true ? AsyncResource.bind(asFunction(task)) : task
  }
}

function asFunction(task: (() => void) | Runnable): () => void {
  return typeof task === 'function' ? task : () => task.run()
}

/** The loop itself; an IllegalArgumentError when it cannot have sockets, such as that of an EmbeddedChannel. */
export function socketLoop(loop: EventLoop): DefaultEventLoop {
  if (loop instanceof DefaultEventLoop) return loop
  throw new IllegalArgumentError('a socket channel needs the event loop of an EventLoopGroup')
}

function checkSlabBytes(value: number, name: string): number {
  if (checkPositiveInteger(value, name) < 1024 || value > 1 << 30) {
    throw new IllegalArgumentError(`${name}: ${value} (expected: bytes from 1024 to ${1 << 30})`)
  }
  return value
}

function checkTicker(ticker: CoarseTicker): CoarseTicker {
  checkFunction(ticker.now, 'ticker.now')
  checkFunction(ticker.scheduleCoarse, 'ticker.scheduleCoarse')
  checkFunction(ticker.cancelAll, 'ticker.cancelAll')
  return ticker
}

function checkWheelTickMs(value: number): number {
  if (typeof value !== 'number' || !(value >= 1 && value <= MAX_WHEEL_TICK_MS)) {
    throw new IllegalArgumentError(`wheelTickMs: ${shown(value)} (expected: milliseconds from 1 to ${MAX_WHEEL_TICK_MS})`)
  }
  return value
}

/** Logs an error that no channel can be told of: it must not reach native code, where it would end the process. */
export function reportNativeEntryError(error: unknown): void {
  getLogger().error('an event of a socket could not be handled', error)
}
