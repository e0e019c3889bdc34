import { AsyncResource } from 'node:async_hooks'
import process from 'node:process'
import {
  checkDurationMs,
  checkFunction,
  checkPositiveInteger,
  DefaultPromise,
  type Future,
  getLogger,
  IllegalArgumentError,
  inspectInOneLine,
  RejectedExecutionError,
  runInRootContext,
  runTask,
  type ScheduledTask,
  type ShutdownOptions,
  systemTicker,
  type TaskOptions,
  TaskQueue,
  type Ticker,
} from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import { DefaultChannelPromise } from '../channel/channel-promise.js'
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
  /** Overwrite the read slab with 0xDD after each chunk, so that a view kept by mistake shows (KNOTTY_POISON_SLAB=1, else false). */
  readonly poisonSlab?: boolean
  /** The time of the loop and of its coarse timers, for tests (that of the process): `ManualTicker` of @knotty/testing. */
  readonly ticker?: CoarseTicker
}

/** A clock that runs coarse timers itself, as one that a test moves does. */
export interface CoarseTicker extends Ticker {
  /** As {@link EventLoop.scheduleCoarse}. */
  scheduleCoarse(task: () => void, delayMs: number): ScheduledTask
}

const KEEP_ALIVE_INTERVAL_MS = 0x7fffffff
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
  private readonly channels = new Set<AbstractChannel>()
  private readonly timers = new Set<TimerTask>()
  private readonly termination = new DefaultPromise<void>()
  private keepAlive: NodeJS.Timeout | undefined = undefined
  private shuttingDown = false
  private lastTaskAt = 0

  constructor(options: EventLoopOptions = {}) {
    this.readSlabBytes = checkSlabBytes(options.readSlabBytes ?? 65536, 'readSlabBytes')
    this.writeSlabBytes = checkSlabBytes(options.writeSlabBytes ?? 65536, 'writeSlabBytes')
    this.poisonSlab = options.poisonSlab ?? process.env['KNOTTY_POISON_SLAB'] === '1'
    this.coarseTicker = options.ticker
    this.ticker = options.ticker ?? systemTicker
    this.tasks = new TaskQueue(checkDurationMs(options.taskBudgetMs ?? 5, 'taskBudgetMs'), systemTicker)
  }

  toString(): string {
    const state = this.isTerminated ? 'terminated' : this.shuttingDown ? 'shutting down' : 'running'
    return `EventLoop(${this.number}, ${state}, ${this.channelCount} channels)`
  }

  get channelCount(): number {
    return this.channels.size
  }

  /** Timers of Node that wait here, those included that do not keep the process alive. */
  get pendingTimers(): number {
    return this.timers.size
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

  inEventLoop(): boolean {
    return true
  }

  execute(task: () => void, options?: TaskOptions): void {
    if (this.isTerminated) throw new RejectedExecutionError('the event loop is shut down and takes no tasks')
    if (this.shuttingDown) this.lastTaskAt = this.ticker.now()
    this.tasks.push(options?.context === true ? AsyncResource.bind(task) : task)
  }

  schedule(task: () => void, delayMs: number, options?: TaskOptions): ScheduledTask {
    return this.addTimer(task, delayMs, undefined, false, options)
  }

  /** On this loop like {@link schedule} until a later release brings a timer wheel, but it does not keep the process alive. */
  scheduleCoarse(task: () => void, delayMs: number, options?: TaskOptions): ScheduledTask {
    if (this.coarseTicker !== undefined) return this.coarseTicker.scheduleCoarse(task, delayMs)
    const timer = this.addTimer(task, delayMs, undefined, false, options)
    timer.unref()
    return timer
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
    if (typeof options !== 'object' || options === null) {
      throw new IllegalArgumentError(`${String(options)} (expected: { quietPeriodMs, timeoutMs })`)
    }
    const quietPeriodMs = checkDurationMs(options.quietPeriodMs ?? 2000, 'quietPeriodMs')
    const timeoutMs = checkDurationMs(options.timeoutMs ?? 15000, 'timeoutMs')
    if (timeoutMs < quietPeriodMs) {
      throw new IllegalArgumentError(`timeoutMs: ${timeoutMs} (expected: at least quietPeriodMs, ${quietPeriodMs})`)
    }
    if (this.shuttingDown) return this.termination
    this.shuttingDown = true
    for (const timer of this.timers) timer.cancel()
    for (const channel of this.channels) if (channel.isServer) closeForSure(channel) // shutdown accepts nothing more
    const start = this.ticker.now()
    this.lastTaskAt = start
    runInRootContext(() => this.waitForQuiet(start + timeoutMs, quietPeriodMs))
    return this.termination
  }

  /** {@link shutdownGracefully} without a quiet period. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdownGracefully({ quietPeriodMs: 0 })
  }

  private waitForQuiet(deadline: number, quietPeriodMs: number): void {
    const now = this.ticker.now()
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
    const inTime = this.ticker.now() < deadline
    const waits = (this.channels.size > 0 && (inTime || round < LAST_ROUNDS)) || (this.tasks.size > 0 && inTime)
    if (waits) return this.tasks.push(() => this.terminate(deadline, round + 1))
    for (const channel of this.channels) {
      getLogger().error(`${channel.toString()} could not be deregistered before the shutdown of its event loop`)
      this.removeChannel(channel)
    }
    for (const timer of this.timers) timer.cancel()
    this.termination.trySuccess()
  }

  private addTimer(
    task: () => void,
    delayMs: number,
    periodMs: number | undefined,
    fromEnd: boolean,
    options: TaskOptions | undefined,
  ): TimerTask {
    checkFunction(task, 'task')
    checkDurationMs(delayMs, 'delayMs')
    if (this.isTerminated) throw new RejectedExecutionError('the event loop is shut down and takes no timers')
    const bound = options?.context === true ? AsyncResource.bind(task) : task
    return new TimerTask(this.timers, this.ticker, () => runInRootContext(() => runTask(bound)), delayMs, periodMs, fromEnd)
  }
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

/** Logs an error that no channel can be told of: it must not reach native code, where it would end the process. */
export function reportNativeEntryError(error: unknown): void {
  getLogger().error('an event of a socket could not be handled', error)
}
