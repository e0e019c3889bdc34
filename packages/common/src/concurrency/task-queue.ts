import { AsyncResource } from 'node:async_hooks'
import FastFifo from 'fast-fifo'
import { checkFunction } from '../check.js'
import { getLogger } from '../logger.js'
import type { Ticker } from '../ticker.js'
import type { Runnable } from './scheduled-task.js'

/** The clock is read once in so many tasks. Netty's runAllTasks uses the same figure. */
const TASKS_PER_CLOCK_CHECK = 64

/**
 * Made when the module loads: what runs in it sees no caller's AsyncLocalStorage store. (Import Knotty statically: a module first
 * imported inside `als.run` keeps that store.)
 */
const rootResource = new AsyncResource('KnottyEventLoop')

/** Runs `task` without the AsyncLocalStorage store of whoever caused it. */
export function runInRootContext(task: () => void): void {
  rootResource.runInAsyncScope(task)
}

/** What a callback returned: the rejection of an async one is logged, as its throw would be, and ends no process. */
export function logRejection(result: unknown, what: string): void {
  if (result instanceof Promise) result.catch((error: unknown) => getLogger().error(`${what} rejected`, error))
}

/** Runs one task; what it throws is logged, so that the next one runs all the same. */
export function runTask(task: (() => unknown) | Runnable): void {
  try {
    logRejection(typeof task === 'function' ? task() : task.run(), 'an async task of the event loop')
  } catch (error) {
    getLogger().error('a task of the event loop threw', error)
  }
}

/**
 * A first-in, first-out queue of tasks that one `setImmediate` drains: after I/O, as in Netty. A drain ends when the queue is
 * empty or its time budget is used up, and then goes on after the next poll of I/O, so that tasks which post tasks for ever
 * starve neither sockets nor timers (`queueMicrotask` would).
 */
export class TaskQueue {
  readonly #tasks = new FastFifo<() => void>()
  readonly #budgetMs: number
  readonly #ticker: Ticker
  #armed = false
  readonly #drainInRootContext = (): void => runInRootContext(this.#drain)

  /** @param budgetMs how long one drain may run, in ms */
  constructor(budgetMs: number, ticker: Ticker) {
    this.#budgetMs = budgetMs
    this.#ticker = ticker
  }

  /** How many tasks wait. */
  get size(): number {
    return this.#tasks.length
  }

  push(task: () => void): void {
    // The queue sticks for ever when it holds undefined.
    this.#tasks.push(checkFunction(task, 'task'))
    this.#arm()
  }

  #arm(): void {
    if (this.#armed) return
    this.#armed = true
    setImmediate(this.#drainInRootContext)
  }

  readonly #drain = (): void => {
    const end = this.#ticker.now() + this.#budgetMs
    let untilCheck = TASKS_PER_CLOCK_CHECK
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      runTask(task)
      if (--untilCheck === 0) {
        if (this.#ticker.now() >= end) break
        untilCheck = TASKS_PER_CLOCK_CHECK
      }
    }
    this.#armed = false
    if (this.#tasks.length > 0) this.#arm()
  }
}
