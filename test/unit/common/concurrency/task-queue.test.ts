import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { setImmediate as nextTurn, setTimeout as timer } from 'node:timers/promises'
import { afterEach, describe, test } from 'node:test'
import { type Logger, runInRootContext, runTask, setLogger, systemTicker, TaskQueue, type Ticker } from '@knotty/common'

/** A clock that only the test moves. */
class ManualTicker implements Ticker {
  time = 0

  now(): number {
    return this.time
  }
}

/** Resolves when everything pushed to the queue before has run. */
function drained(queue: TaskQueue): Promise<void> {
  return new Promise((resolve) => queue.push(resolve))
}

/** Puts a logger in force that keeps the errors. */
function collectErrors(): unknown[] {
  const errors: unknown[] = []
  const logger: Logger = { debug() {}, info() {}, warn() {}, error: (_message, error) => void errors.push(error) }
  setLogger(logger)
  return errors
}

afterEach(() => setLogger(undefined))

describe('TaskQueue', () => {
  test('runs tasks in the order they came, those of tasks behind those that wait', async () => {
    const queue = new TaskQueue(5, systemTicker)
    const order: string[] = []
    queue.push(() => {
      order.push('a')
      queue.push(() => order.push('a.a'))
    })
    queue.push(() => order.push('b'))
    await drained(queue)
    await drained(queue)
    assert.deepEqual(order, ['a', 'b', 'a.a'])
  })

  test('runs no task inside push nor in a microtask', async () => {
    const queue = new TaskQueue(5, systemTicker)
    let ran = false
    queue.push(() => (ran = true))
    assert.equal(ran, false)
    await Promise.resolve()
    assert.equal(ran, false)
    await drained(queue)
    assert.equal(ran, true)
  })

  test('counts the tasks that wait', async () => {
    const queue = new TaskQueue(5, systemTicker)
    assert.equal(queue.size, 0)
    queue.push(() => {})
    queue.push(() => {})
    assert.equal(queue.size, 2)
    await drained(queue)
    assert.equal(queue.size, 0)
  })

  test('drains what waits in one turn while the budget lasts', async () => {
    const queue = new TaskQueue(5, new ManualTicker())
    let ran = 0
    for (let i = 0; i < 1000; i++) queue.push(() => ran++)
    await nextTurn()
    assert.equal(ran, 1000)
  })

  test('ends a drain when the budget is used up and goes on in the next turn', async () => {
    const ticker = new ManualTicker()
    const queue = new TaskQueue(5, ticker)
    let ran = 0
    for (let i = 0; i < 150; i++) {
      queue.push(() => {
        ran++
        ticker.time++
      })
    }
    // The clock is read every 64 tasks, and each task takes a millisecond of the five.
    const afterTurns: number[] = []
    while (queue.size > 0) {
      await nextTurn()
      afterTurns.push(ran)
    }
    assert.deepEqual(afterTurns, [64, 128, 150])
  })

  test('tasks that post tasks for ever starve neither setImmediate nor timers', async () => {
    const ticker = new ManualTicker()
    const queue = new TaskQueue(5, ticker)
    let going = true
    let ran = 0
    const again = (): void => {
      ran++
      ticker.time++
      if (going) queue.push(again)
    }
    queue.push(again)
    await nextTurn()
    assert.ok(ran > 0)
    await timer(1)
    going = false
    await drained(queue)
    assert.equal(queue.size, 0)
  })

  test('logs what a task throws and runs the next one', async () => {
    const errors = collectErrors()
    const queue = new TaskQueue(5, systemTicker)
    const thrown = new Error('from a task')
    let ran = false
    queue.push(() => {
      throw thrown
    })
    queue.push(() => (ran = true))
    await drained(queue)
    assert.equal(ran, true)
    assert.deepEqual(errors, [thrown])
  })

  test('goes on after a task whose error the logger cannot take', () => {
    // In a process of its own, because what is thrown today is an uncaught exception outside of every test.
    const code = `
      import { systemTicker, TaskQueue } from '@knotty/common'
      process.on('uncaughtException', () => {})
      const queue = new TaskQueue(5, systemTicker)
      queue.push(() => { throw Object.create(null) })
      queue.push(() => console.log('next'))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: path.resolve(import.meta.dirname, '../../../..'),
      encoding: 'utf8',
    })
    assert.equal(stdout, 'next\n')
  })

  test('shows tasks no AsyncLocalStorage store of the one who pushed them', async () => {
    const storage = new AsyncLocalStorage<string>()
    const queue = new TaskQueue(5, systemTicker)
    const seen: unknown[] = []
    storage.run('request', () => {
      queue.push(() => {
        seen.push(storage.getStore())
        queue.push(() => seen.push(storage.getStore()))
      })
    })
    await drained(queue)
    await drained(queue)
    assert.deepEqual(seen, [undefined, undefined])
  })

  test('shows a task no AsyncLocalStorage store that the task before entered', async () => {
    const storage = new AsyncLocalStorage<string>()
    const queue = new TaskQueue(5, systemTicker)
    let seen: unknown = 'nothing ran'
    queue.push(() => storage.run('request', () => queue.push(() => (seen = storage.getStore()))))
    await drained(queue)
    await drained(queue)
    assert.equal(seen, undefined)
  })
})

test('runInRootContext hides the store of the caller for the task only', () => {
  const storage = new AsyncLocalStorage<string>()
  storage.run('request', () => {
    let seen: unknown = 'nothing ran'
    runInRootContext(() => (seen = storage.getStore()))
    assert.equal(seen, undefined)
    assert.equal(storage.getStore(), 'request')
  })
})

test('runTask logs what the task throws instead of throwing it', () => {
  const errors = collectErrors()
  runTask(() => {
    throw 'text'
  })
  assert.deepEqual(errors, ['text'])
})
