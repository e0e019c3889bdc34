import { IllegalStateError } from '../errors.js'
import type { Future } from './future.js'
import type { DefaultPromise } from './promise.js'

/**
 * Completes one promise when all added futures are done: with success when all succeeded, otherwise with the first failure, but
 * not before the last one is done. An aggregate of nothing succeeds at once.
 *
 *     const combiner = new PromiseCombiner()
 *     for (const part of parts) combiner.add(ctx.write(part))
 *     combiner.finish(promise)
 */
export class PromiseCombiner {
  #expected = 0
  #done = 0
  #cause: Error | undefined
  #aggregate: DefaultPromise<void> | undefined

  /** Adds one future. An {@link IllegalStateError} after {@link finish}. */
  add(future: Future<unknown>): void {
    if (this.#aggregate !== undefined) throw new IllegalStateError('no future can be added after finish()')
    this.#expected++
    future.addListener((done) => {
      this.#done++
      if (!done.isSuccess) this.#cause ??= done.cause
      this.#tryComplete()
    })
  }

  /** Names the promise to complete; may be called once. */
  finish(aggregate: DefaultPromise<void>): void {
    if (this.#aggregate !== undefined) throw new IllegalStateError('finish() was called already')
    this.#aggregate = aggregate
    this.#tryComplete()
  }

  #tryComplete(): void {
    if (this.#aggregate === undefined || this.#done < this.#expected) return
    if (this.#cause === undefined) this.#aggregate.trySuccess()
    else this.#aggregate.tryFailure(this.#cause)
  }
}
