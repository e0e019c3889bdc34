export { Attribute, AttributeKey, AttributeMap } from './attribute.js'
export { checkDurationMs, checkFunction, checkNonNegativeInteger, checkOptions, checkPositiveInteger, shown } from './check.js'
export type { EventExecutor, ShutdownOptions, TaskOptions } from './concurrency/event-executor.js'
export type { Future, FutureListener } from './concurrency/future.js'
export { PromiseCombiner } from './concurrency/promise-combiner.js'
export { DefaultPromise, type Executor } from './concurrency/promise.js'
export type { Runnable, ScheduledTask } from './concurrency/scheduled-task.js'
export { logRejection, runInRootContext, runTask, TaskQueue } from './concurrency/task-queue.js'
export { diagnostics } from './diagnostics.js'
export {
  CancellationError,
  IllegalArgumentError,
  IllegalStateError,
  IndexOutOfBoundsError,
  KnottyError,
  type KnottyErrorOptions,
  NoSuchElementError,
  RejectedExecutionError,
  toError,
  UnsupportedOperationError,
} from './errors.js'
export { inspectInOneLine } from './inspect.js'
export { getLogger, isLevelEnabled, type Logger, type LogLevel, setLogger } from './logger.js'
export { systemTicker, type Ticker } from './ticker.js'
