import {
  checkOptions,
  type Future,
  inspectInOneLine,
  type Runnable,
  type ScheduledTask,
  type ShutdownOptions,
  type TaskOptions,
  UnsupportedOperationError,
} from '@knotty/common'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import { DefaultEventLoop, type EventLoopOptions } from './default-event-loop.js'
import type { EventLoop, EventLoopCounters } from './event-loop.js'

/** Settings of an event loop group and its loops. */
export interface EventLoopGroupOptions extends EventLoopOptions {
  /** How many loops (1). On Node a loop is a thread; more than the calling one is not offered yet. */
  readonly loops?: number
}

/**
 * The event loops that channels are registered to. A Node thread has one loop, so a group has one: several groups in a thread
 * share its time, and `group(boss, worker)` is accepted but buys no second core.
 *
 * While a loop has open channels it keeps the process alive. `await using group = new EventLoopGroup()` closes them at the end.
 */
export class EventLoopGroup implements AsyncDisposable {
  static {
    inspectInOneLine(this)
  }

  private readonly loop: DefaultEventLoop

  constructor(options: EventLoopGroupOptions = {}) {
    checkOptions(options, 'new EventLoopGroup({ loops: 1 })')
    if ((options.loops ?? 1) !== 1) {
      throw new UnsupportedOperationError(
        `loops: ${String(options.loops)}: only 1 is possible in this release; for more cores run one process each (node:cluster)`,
      )
    }
    this.loop = new DefaultEventLoop(options)
  }

  toString(): string {
    return `EventLoopGroup(${this.loop.toString()})`
  }

  /** The group for those who name none, made on first use. */
  static shared(): EventLoopGroup {
    sharedGroup ??= new EventLoopGroup()
    return sharedGroup
  }

  /** The loop the next channel goes to. */
  next(): EventLoop {
    return this.loop
  }

  get counters(): EventLoopCounters {
    return this.loop.counters
  }

  /** Registers the channel to {@link next}. */
  register(channel: Channel): ChannelFuture {
    return this.loop.register(channel)
  }

  execute(task: () => void, options?: TaskOptions): void {
    this.loop.execute(task, options)
  }

  schedule(task: () => void, delayMs: number, options?: TaskOptions): ScheduledTask {
    return this.loop.schedule(task, delayMs, options)
  }

  scheduleCoarse(task: (() => void) | Runnable, delayMs: number, options?: TaskOptions): ScheduledTask {
    return this.loop.scheduleCoarse(task, delayMs, options)
  }

  scheduleAtFixedRate(task: () => void, initialDelayMs: number, periodMs: number, options?: TaskOptions): ScheduledTask {
    return this.loop.scheduleAtFixedRate(task, initialDelayMs, periodMs, options)
  }

  scheduleWithFixedDelay(task: () => void, initialDelayMs: number, delayMs: number, options?: TaskOptions): ScheduledTask {
    return this.loop.scheduleWithFixedDelay(task, initialDelayMs, delayMs, options)
  }

  get isShuttingDown(): boolean {
    return this.loop.isShuttingDown
  }

  get isTerminated(): boolean {
    return this.loop.isTerminated
  }

  get terminationFuture(): Future<void> {
    return this.loop.terminationFuture
  }

  /** Stops accepting and registering at once; closes open channels after the quiet period, or at the timeout. */
  shutdownGracefully(options?: ShutdownOptions): Future<void> {
    if (sharedGroup === this) sharedGroup = undefined
    return this.loop.shutdownGracefully(options)
  }

  /** {@link shutdownGracefully} without a quiet period. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

let sharedGroup: EventLoopGroup | undefined
