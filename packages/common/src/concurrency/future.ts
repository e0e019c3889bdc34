/** Called once with the future it was added to, when that is done. What it throws, or
 * an async one rejects with, is logged and stops no other listener. */
export type FutureListener<F> = (future: F) => unknown

/**
 * The read side of an asynchronous result. It is a thenable, so `await` works; unlike a native promise a failure that nobody
 * awaits stays silent, and listeners run synchronously when the result arrives, in the order in which they were added.
 *
 *     pending --trySuccess--> success (value)
 *        |  \---tryFailure--> failure (cause)
 *        |   \--cancel------> cancelled (cause is a CancellationError)
 *        \--setUncancellable--> pending that cancel() no longer ends
 */
export interface Future<T = void> extends PromiseLike<T> {
  /** Success, failure or cancellation has come. */
  readonly isDone: boolean
  readonly isSuccess: boolean
  readonly isCancelled: boolean
  /** Why it failed or was cancelled; undefined otherwise. */
  readonly cause: Error | undefined
  /** The value; undefined until success. */
  readonly value: T | undefined
  /**
   * Adds a listener; on a completed future it runs at once. Listeners nested deeper than eight are handed to the executor
   * (Netty's bound). Returns this future.
   */
  addListener(listener: FutureListener<this>): this
  /** Takes back one earlier addition of this listener; too late once the listeners are being called. */
  removeListener(listener: FutureListener<this>): this
  /** Ends the operation if it can still be ended; false when it is done or uncancellable. */
  cancel(reason?: unknown): boolean
  catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R>
  finally(onFinally?: (() => void) | null): Promise<T>
}
