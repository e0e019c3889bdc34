import type { Ticker } from '../ticker.js'
import type { Future } from './future.js'
import type { Executor } from './promise.js'
import type { Runnable, ScheduledTask } from './scheduled-task.js'

/** Options of {@link EventExecutor.execute} and the schedule methods. */
export interface TaskOptions {
  /** Run the task in the AsyncLocalStorage context of the caller instead of the executor's own (false). */
  readonly context?: boolean
  /**
   * Of {@link EventExecutor.scheduleCoarse} only: the delay is a part of one so long, in ms, and need be no more precise than that one
   * (the delay itself). For what looks, finds that it was early, and waits for the rest.
   */
  readonly partOfMs?: number
}

/** Options of {@link EventExecutor.shutdownGracefully}. */
export interface ShutdownOptions {
  /** The time without a new task after which the rest is closed; 0 ends at once (2000). */
  readonly quietPeriodMs?: number
  /** The time after which the rest is closed whatever happens (15000). */
  readonly timeoutMs?: number
}

/**
 * Runs tasks one after another in the order they came, and timers. A task that throws is logged; the next one runs all the same.
 * Tasks never run inside `execute`.
 */
export interface EventExecutor extends Executor {
  /** The clock that deadlines are counted in. */
  readonly ticker: Ticker
  /** True when the caller runs on this executor: on Node each executor is the thread. */
  inEventLoop(): boolean
  /** Runs the task after what is queued already. A {@link RejectedExecutionError} once shut down. */
  execute(task: () => void, options?: TaskOptions): void
  /** Runs the task once, `delayMs` from now or later. */
  schedule(task: () => void, delayMs: number, options?: TaskOptions): ScheduledTask
  /** As {@link schedule}, for timers in great numbers that need no precision: what channel handlers use. */
  scheduleCoarse(task: (() => void) | Runnable, delayMs: number, options?: TaskOptions): ScheduledTask
  /** Runs the task at `initialDelayMs`, then each `periodMs` after the time the run before was due. */
  scheduleAtFixedRate(task: () => void, initialDelayMs: number, periodMs: number, options?: TaskOptions): ScheduledTask
  /** Runs the task at `initialDelayMs`, then each `delayMs` after the end of the run before. */
  scheduleWithFixedDelay(task: () => void, initialDelayMs: number, delayMs: number, options?: TaskOptions): ScheduledTask
  readonly isShuttingDown: boolean
  readonly isTerminated: boolean
  /** Ends the executor; the same future at each call. */
  shutdownGracefully(options?: ShutdownOptions): Future<void>
  /** Done when the executor has ended. */
  readonly terminationFuture: Future<void>
}
