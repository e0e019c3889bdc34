import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, test } from 'node:test'
import { DefaultPromise, type Executor, type Logger, setLogger } from '@knotty/common'

/** Tasks wait until `runAll`. */
class ManualExecutor implements Executor {
  readonly tasks: (() => void)[] = []

  execute(task: () => void): void {
    this.tasks.push(task)
  }

  runAll(): void {
    for (const task of this.tasks.splice(0)) task()
  }
}

/** A promise whose deep listeners go to an executor that the test owns. */
class ManualPromise extends DefaultPromise {
  private readonly manual: Executor

  constructor(manual: Executor) {
    super()
    this.manual = manual
  }

  protected override get executor(): Executor {
    return this.manual
  }
}

/** Puts a logger in force that keeps the warnings. */
function collectWarnings(): { message: string; error: unknown }[] {
  const warnings: { message: string; error: unknown }[] = []
  const logger: Logger = { debug() {}, info() {}, warn: (message, error) => void warnings.push({ message, error }), error() {} }
  setLogger(logger)
  return warnings
}

afterEach(() => setLogger(undefined))

describe('listeners', () => {
  test('run inside the completing call in the order in which they were added', () => {
    const promise = new DefaultPromise()
    const order: number[] = []
    for (let i = 0; i < 5; i++) promise.addListener(() => order.push(i))
    promise.setSuccess()
    assert.deepEqual(order, [0, 1, 2, 3, 4])
  })

  test('get the future they were added to, already done', () => {
    const promise = new DefaultPromise<number>()
    let seen: unknown
    promise.addListener((done) => (seen = [done === promise, done.isDone, done.value]))
    promise.setSuccess(3)
    assert.deepEqual(seen, [true, true, 3])
  })

  test('run at once when the promise is done', () => {
    let ran = false
    new DefaultPromise().setSuccess().addListener(() => (ran = true))
    assert.equal(ran, true)
  })

  test('added during notification run after the current batch', () => {
    const promise = new DefaultPromise()
    const order: string[] = []
    promise.addListener(() => {
      order.push('a')
      promise.addListener(() => {
        order.push('a.a')
        promise.addListener(() => order.push('a.a.a'))
      })
      promise.addListener(() => order.push('a.b'))
      order.push('a ends')
    })
    promise.addListener(() => order.push('b'))
    promise.setSuccess()
    assert.deepEqual(order, ['a', 'a ends', 'b', 'a.a', 'a.b', 'a.a.a'])
  })

  test('run once each, also when one is added twice', () => {
    const promise = new DefaultPromise()
    let calls = 0
    const listener = (): void => void calls++
    promise.addListener(listener).addListener(listener)
    promise.setSuccess()
    promise.addListener(() => {})
    assert.equal(calls, 2)
  })

  test('that throw are logged and stop no other listener', () => {
    const warnings = collectWarnings()
    const promise = new DefaultPromise()
    const thrown = new Error('from a listener')
    const order: string[] = []
    promise.addListener(() => {
      order.push('a')
      throw thrown
    })
    promise.addListener(() => order.push('b'))
    assert.equal(promise.trySuccess(), true)
    assert.deepEqual(order, ['a', 'b'])
    assert.deepEqual(warnings.map(({ error }) => error), [thrown])
  })

  test('all run, and trySuccess does not throw, when the logger throws too', () => {
    const fail = (): void => {
      throw new Error('from the logger')
    }
    setLogger({ debug: fail, info: fail, warn: fail, error: fail })
    const promise = new DefaultPromise()
    let ran = false
    promise.addListener(() => {
      throw new Error('from a listener')
    })
    promise.addListener(() => (ran = true))
    assert.equal(promise.trySuccess(), true)
    assert.equal(ran, true)
  })

  test('taken back before completion do not run, the others keep their order', () => {
    const names = ['a', 'b', 'c']
    for (const gone of names) {
      const promise = new DefaultPromise()
      const order: string[] = []
      const listeners = names.map((name) => (): void => void order.push(name))
      for (const listener of listeners) promise.addListener(listener)
      promise.removeListener(listeners[names.indexOf(gone)]!)
      promise.setSuccess()
      assert.deepEqual(order, names.filter((name) => name !== gone))
    }
  })

  test('taken back once run once when added twice', () => {
    const promise = new DefaultPromise()
    let calls = 0
    const listener = (): void => void calls++
    promise.addListener(listener).addListener(listener).removeListener(listener)
    promise.setSuccess()
    assert.equal(calls, 1)
  })

  test('added after the last one was taken back run', () => {
    const promise = new DefaultPromise()
    const listener = (): void => assert.fail('it was taken back')
    let ran = false
    promise.addListener(listener).removeListener(listener).addListener(() => (ran = true))
    promise.setSuccess()
    assert.equal(ran, true)
  })

  test('taken back by one of the batch being called run all the same: the batch is fixed', () => {
    const promise = new DefaultPromise()
    const order: string[] = []
    const second = (): void => void order.push('second')
    promise.addListener(() => void promise.removeListener(second))
    promise.addListener(second)
    promise.setSuccess()
    assert.deepEqual(order, ['second'])
  })
})

describe('nested listeners', () => {
  /** Each promise completes the next in its listener; the depths reached are recorded. */
  function chain(length: number, executor: Executor): { start: DefaultPromise; reached: number[] } {
    const promises = Array.from({ length }, () => new ManualPromise(executor))
    const reached: number[] = []
    for (const [depth, promise] of promises.entries()) {
      promise.addListener(() => {
        reached.push(depth)
        promises[depth + 1]?.setSuccess()
      })
    }
    return { start: promises[0]!, reached }
  }

  test('run at once down to a depth of eight, deeper ones go through the executor', () => {
    const executor = new ManualExecutor()
    const { start, reached } = chain(20, executor)
    start.setSuccess()
    assert.deepEqual(reached, [0, 1, 2, 3, 4, 5, 6, 7])
    assert.equal(executor.tasks.length, 1)
    executor.runAll()
    assert.equal(reached.length, 16)
    executor.runAll()
    assert.deepEqual(reached, Array.from({ length: 20 }, (_, depth) => depth))
    assert.equal(executor.tasks.length, 0)
  })

  test('count from the outermost listener of any promise', () => {
    const executor = new ManualExecutor()
    const { start, reached } = chain(8, executor)
    new DefaultPromise().addListener(() => start.setSuccess()).setSuccess()
    assert.equal(reached.length, 7)
    executor.runAll()
    assert.equal(reached.length, 8)
  })

  test('of a promise whose listeners wait run after those, in the order added', () => {
    const executor = new ManualExecutor()
    const promises = Array.from({ length: 9 }, () => new ManualPromise(executor))
    const deepest = promises[8]!
    const order: string[] = []
    for (const [depth, promise] of promises.slice(0, 8).entries()) promise.addListener(() => promises[depth + 1]!.setSuccess())
    deepest.addListener(() => order.push('first'))
    promises[0]!.setSuccess()
    assert.equal(deepest.isDone, true)
    deepest.addListener(() => order.push('second'))
    assert.equal(order.length, 0)
    executor.runAll()
    assert.deepEqual(order, ['first', 'second'])
  })

  test('of a promise without an executor of its own run in a later turn', async () => {
    const promises = Array.from({ length: 9 }, () => new DefaultPromise())
    for (const [depth, promise] of promises.slice(0, 8).entries()) promise.addListener(() => promises[depth + 1]!.setSuccess())
    let inTurn = false
    promises[8]!.addListener(() => (inTurn = true))
    promises[0]!.setSuccess()
    assert.equal(inTurn, false)
    await nextTurn()
    assert.equal(inTurn, true)
  })

  test('the depth is free again after a listener threw', () => {
    collectWarnings()
    for (let i = 0; i < 20; i++) {
      new DefaultPromise()
        .addListener(() => {
          throw new Error('from a listener')
        })
        .setSuccess()
    }
    let ran = false
    new DefaultPromise().setSuccess().addListener(() => (ran = true))
    assert.equal(ran, true)
  })

  test('run in a later turn when the executor refuses the task, and nothing is thrown into trySuccess', async () => {
    let ran = false
    const refusing: Executor = {
      execute() {
        throw new Error('shut down')
      },
    }
    const deep = new ManualPromise(refusing)
    deep.addListener(() => (ran = true))
    const promises = Array.from({ length: 8 }, () => new DefaultPromise())
    const thrown: unknown[] = []
    for (const [depth, promise] of promises.entries()) {
      promise.addListener(() => {
        try {
          ;(promises[depth + 1] ?? deep).setSuccess()
        } catch (error) {
          thrown.push(error)
        }
      })
    }
    promises[0]!.setSuccess()
    assert.deepEqual(thrown, [])
    assert.equal(ran, false)
    await new Promise(setImmediate)
    assert.equal(ran, true)
  })
})

test('the rejection of an async listener is logged and ends no process', async () => {
  const warnings = collectWarnings()
  const promise = new DefaultPromise()
  promise.addListener(async () => {
    throw new Error('late')
  })
  promise.setSuccess()
  await new Promise(setImmediate)
  assert.equal(warnings.length, 1)
})
