import { CancellationError, IllegalStateError, toError } from '../errors.js'
import { inspectInOneLine } from '../inspect.js'
import { getLogger } from '../logger.js'
import type { Future, FutureListener } from './future.js'

/** Runs a task later, never inside the call. */
export interface Executor {
  execute(task: () => void): void
}

const PENDING = 0
const UNCANCELLABLE = 1
const SUCCESS = 2
const FAILURE = 3
const CANCELLED = 4

/** Netty's `io.netty.defaultPromise.maxListenerStackDepth`. */
const MAX_LISTENER_DEPTH = 8
let listenerDepth = 0

const laterByImmediate: Executor = { execute: (task) => void setImmediate(task) }

/**
 * The write side of a {@link Future}. The fields are plain, not #private: one is made for each observed write, and that takes 14
 * ns against 31. The native promise behind `then` is made on first use, so a write that nobody awaits
 * costs this one object, and its failure is never an `unhandledRejection`.
 */
export class DefaultPromise<T = void> implements Future<T> {
  static {
    inspectInOneLine(this)
  }

  private state = PENDING
  /** The value after success, the Error after failure or cancellation. */
  private result: unknown = undefined
  /** The first listener inline, the others in an array: most promises have one. */
  private first: FutureListener<this> | undefined = undefined
  private others: FutureListener<this>[] | undefined = undefined
  private notifying = false
  private native: Promise<T> | undefined = undefined

  /** What runs the listeners that are nested too deep. */
  protected get executor(): Executor {
    return laterByImmediate
  }

  get isDone(): boolean {
    return this.state >= SUCCESS
  }

  get isSuccess(): boolean {
    return this.state === SUCCESS
  }

  get isCancelled(): boolean {
    return this.state === CANCELLED
  }

  get cause(): Error | undefined {
    return this.state > SUCCESS ? (this.result as Error) : undefined
  }

  get value(): T | undefined {
    return this.state === SUCCESS ? (this.result as T) : undefined
  }

  /** Completes with success; false when the promise was done already. */
  trySuccess(value: T): boolean {
    if (this.state >= SUCCESS) return false
    this.complete(SUCCESS, value)
    return true
  }

  /** Completes with failure; false when the promise was done already. */
  tryFailure(cause: unknown): boolean {
    if (this.state >= SUCCESS) return false
    this.complete(FAILURE, toError(cause))
    return true
  }

  /** Completes with success; an {@link IllegalStateError} when the promise was done already. */
  setSuccess(value: T): this {
    if (!this.trySuccess(value)) throw this.doneAlready()
    return this
  }

  /** Completes with failure; an {@link IllegalStateError} when the promise was done already. */
  setFailure(cause: unknown): this {
    if (!this.tryFailure(cause)) throw this.doneAlready()
    return this
  }

  cancel(reason?: unknown): boolean {
    if (this.state !== PENDING) return false
    this.complete(CANCELLED, new CancellationError(undefined, reason === undefined ? undefined : { cause: reason }))
    return true
  }

  /** From now on `cancel` has no effect; false when the promise was cancelled before. */
  setUncancellable(): boolean {
    if (this.state === PENDING) this.state = UNCANCELLABLE
    return this.state !== CANCELLED
  }

  addListener(listener: FutureListener<this>): this {
    if (this.first === undefined && this.others === undefined) this.first = listener
    else (this.others ??= []).push(listener)
    if (this.state >= SUCCESS) this.notify()
    return this
  }

  removeListener(listener: FutureListener<this>): this {
    if (this.first === listener) {
      this.first = this.others?.shift()
    } else {
      const index = this.others?.indexOf(listener) ?? -1
      if (index >= 0) this.others?.splice(index, 1)
    }
    if (this.others?.length === 0) this.others = undefined
    return this
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.asNative().then(onFulfilled, onRejected)
  }

  catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.asNative().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.asNative().finally(onFinally)
  }

  toString(): string {
    const states = ['pending', 'uncancellable', 'success', 'failure', 'cancelled']
    return `${this.constructor.name}(${states[this.state]}${this.cause === undefined ? '' : `: ${this.cause.message}`})`
  }

  private asNative(): Promise<T> {
    this.native ??= new Promise<T>((resolve, reject) => {
      this.addListener(() => {
        if (this.state === SUCCESS) resolve(this.result as T)
        else reject(this.result)
      })
    })
    return this.native
  }

  private doneAlready(): IllegalStateError {
    return new IllegalStateError(`the promise is complete already: ${this.toString()}`)
  }

  private complete(state: number, result: unknown): void {
    this.state = state
    this.result = result
    if (this.first !== undefined) this.notify()
  }

  private notify(): void {
    if (this.notifying) return // the running batch takes the new ones when it is through
    if (listenerDepth >= MAX_LISTENER_DEPTH) {
      this.notifying = true
      const goOn = (): void => {
        this.notifying = false
        this.notify()
      }
      try {
        this.executor.execute(goOn)
      } catch {
        laterByImmediate.execute(goOn) // the executor is shut down: its listeners are told all the same
      }
      return
    }
    this.notifying = true
    listenerDepth++
    try {
      while (this.first !== undefined) {
        const first = this.first
        const others = this.others
        this.first = undefined
        this.others = undefined
        this.call(first)
        if (others !== undefined) for (const listener of others) this.call(listener)
        this.first ??= (this.others as FutureListener<this>[] | undefined)?.shift()
      }
    } finally {
      listenerDepth--
      this.notifying = false
    }
  }

  private call(listener: FutureListener<this>): void {
    try {
      const result: unknown = listener(this)
      if (result instanceof Promise) result.catch((error: unknown) => getLogger().warn('an async listener of a promise rejected', error))
    } catch (error) {
      getLogger().warn(`a listener of a ${this.constructor.name} threw`, error)
    }
  }
}
