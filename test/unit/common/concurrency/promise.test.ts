import assert from 'node:assert/strict'
import { once } from 'node:events'
import process from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, test } from 'node:test'
import { CancellationError, DefaultPromise, type Executor, IllegalStateError, type Logger, setLogger } from '@knotty/common'

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

describe('the states of a promise', () => {
  test('a new promise is pending', () => {
    const promise = new DefaultPromise<number>()
    assert.deepEqual([promise.isDone, promise.isSuccess, promise.isCancelled], [false, false, false])
    assert.deepEqual([promise.value, promise.cause], [undefined, undefined])
  })

  test('trySuccess completes with the value', () => {
    const promise = new DefaultPromise<number>()
    assert.equal(promise.trySuccess(7), true)
    assert.deepEqual([promise.isDone, promise.isSuccess, promise.isCancelled], [true, true, false])
    assert.deepEqual([promise.value, promise.cause], [7, undefined])
  })

  test('tryFailure completes with the cause', () => {
    const promise = new DefaultPromise<number>()
    const cause = new Error('no')
    assert.equal(promise.tryFailure(cause), true)
    assert.deepEqual([promise.isDone, promise.isSuccess, promise.isCancelled], [true, false, false])
    assert.deepEqual([promise.value, promise.cause], [undefined, cause])
  })

  test('a failure whose cause is no Error gets one that shows it', () => {
    const promise = new DefaultPromise()
    promise.tryFailure('text')
    assert.match(promise.cause?.message ?? '', /text/)
  })

  test('trySuccess and tryFailure of a completed promise are false and change nothing', () => {
    const promise = new DefaultPromise<number>().setSuccess(1)
    assert.equal(promise.trySuccess(2), false)
    assert.equal(promise.tryFailure(new Error('late')), false)
    assert.equal(promise.value, 1)
    assert.equal(promise.cause, undefined)
  })

  test('setSuccess and setFailure of a completed promise throw an IllegalStateError with its code', () => {
    for (const promise of [new DefaultPromise().setSuccess(), new DefaultPromise().setFailure(new Error('no'))]) {
      for (const again of [() => promise.setSuccess(), () => promise.setFailure(new Error('late'))]) {
        assert.throws(again, (error) => error instanceof IllegalStateError && error.code === 'ERR_KNOTTY_ILLEGAL_STATE')
      }
    }
  })

  test('setSuccess and setFailure give the promise back', () => {
    const one = new DefaultPromise()
    const other = new DefaultPromise()
    assert.equal(one.setSuccess(), one)
    assert.equal(other.setFailure(new Error('no')), other)
  })

  test('toString names the state and the cause', () => {
    assert.equal(String(new DefaultPromise()), 'DefaultPromise(pending)')
    assert.equal(String(new DefaultPromise().setFailure(new Error('no'))), 'DefaultPromise(failure: no)')
  })
})

describe('cancel', () => {
  test('completes a pending promise with a CancellationError that keeps the reason', () => {
    const promise = new DefaultPromise()
    assert.equal(promise.cancel('enough'), true)
    assert.deepEqual([promise.isDone, promise.isSuccess, promise.isCancelled], [true, false, true])
    assert.ok(promise.cause instanceof CancellationError)
    assert.equal(promise.cause.cause, 'enough')
  })

  test('is false and changes nothing once the promise is done', () => {
    const promise = new DefaultPromise().setSuccess()
    assert.equal(promise.cancel(), false)
    assert.equal(promise.isSuccess, true)
  })

  test('is false after setUncancellable, and the promise can still complete', () => {
    const promise = new DefaultPromise()
    assert.equal(promise.setUncancellable(), true)
    assert.equal(promise.cancel(), false)
    assert.equal(promise.isDone, false)
    assert.equal(promise.trySuccess(), true)
  })

  test('setUncancellable is false only when the promise was cancelled before', () => {
    const cancelled = new DefaultPromise()
    cancelled.cancel()
    assert.equal(cancelled.setUncancellable(), false)
    const done = new DefaultPromise().setSuccess()
    assert.equal(done.setUncancellable(), true)
    assert.equal(done.isSuccess, true)
    const marked = new DefaultPromise()
    marked.setUncancellable()
    assert.equal(marked.setUncancellable(), true)
  })

  test('a cancelled promise takes no result', () => {
    const promise = new DefaultPromise()
    promise.cancel()
    assert.equal(promise.trySuccess(), false)
    assert.throws(() => promise.setSuccess(), IllegalStateError)
  })

  test('tells the listeners', () => {
    const promise = new DefaultPromise()
    let cancelled = false
    promise.addListener((done) => (cancelled = done.isCancelled))
    promise.cancel()
    assert.equal(cancelled, true)
  })
})

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

  test('all run, and trySuccess does not throw, when the logger throws too', { todo: 'the error of the logger ends the batch' }, () => {
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

  test('taken back by one that runs before them do not run', { todo: 'the running batch is out of reach of removeListener' }, () => {
    const promise = new DefaultPromise()
    const order: string[] = []
    const second = (): void => void order.push('second')
    promise.addListener(() => void promise.removeListener(second))
    promise.addListener(second)
    promise.setSuccess()
    assert.deepEqual(order, [])
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

  test('an executor that refuses the task neither throws into trySuccess nor loses it silently', {
    todo: 'the refusal leaves trySuccess and no listener of that promise ever runs',
  }, () => {
    const warnings = collectWarnings()
    const refusing: Executor = {
      execute() {
        throw new Error('shut down')
      },
    }
    const deep = new ManualPromise(refusing)
    deep.addListener(() => {})
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
    assert.equal(warnings.length, 1)
  })
})

describe('as a thenable', () => {
  test('await gives the value, before and after completion', async () => {
    const promise = new DefaultPromise<number>()
    const waiting = promise.then((value) => value + 1)
    promise.setSuccess(1)
    assert.equal(await waiting, 2)
    assert.equal(await promise, 1)
  })

  test('await throws the cause of a failure and the CancellationError of a cancellation', async () => {
    const cause = new Error('no')
    await assert.rejects(async () => await new DefaultPromise().setFailure(cause), cause)
    const cancelled = new DefaultPromise()
    cancelled.cancel()
    await assert.rejects(async () => await cancelled, CancellationError)
  })

  test('catch gets the cause and finally runs in both cases', async () => {
    const cause = new Error('no')
    const failed = new DefaultPromise<number>().setFailure(cause)
    assert.equal(await failed.catch((reason: unknown) => reason), cause)
    let times = 0
    await failed.finally(() => times++).catch(() => {})
    assert.equal(await new DefaultPromise<number>().setSuccess(4).finally(() => times++), 4)
    assert.equal(times, 2)
  })

  test('a failure that nobody awaits is no unhandledRejection', async (t) => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    t.after(() => process.off('unhandledRejection', listener))
    const watched = new DefaultPromise()
    watched.addListener(() => {})
    watched.setFailure(new Error('watched by a listener only'))
    new DefaultPromise().setFailure(new Error('watched by nobody'))
    await nextTurn()
    await nextTurn()
    assert.deepEqual(unhandled, [])
  })

  test('a failure awaited by one is silent for the others', async (t) => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    t.after(() => process.off('unhandledRejection', listener))
    const promise = new DefaultPromise()
    promise.addListener(() => {})
    const awaited = assert.rejects(async () => await promise, /no/)
    promise.setFailure(new Error('no'))
    await awaited
    await nextTurn()
    await nextTurn()
    assert.deepEqual(unhandled, [])
  })

  test('what then gives is an ordinary promise, whose unhandled rejection is reported', async (t) => {
    // The runner has its own listener, which would fail the test.
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    t.after(() => {
      for (const other of others) process.on('unhandledRejection', other)
    })
    const cause = new Error('no')
    const reported = once(process, 'unhandledRejection')
    void new DefaultPromise().setFailure(cause).then(() => {})
    assert.equal((await reported)[0], cause)
  })

  test('continuations run after the listeners', async () => {
    const promise = new DefaultPromise()
    const order: string[] = []
    const continued = promise.then(() => order.push('then'))
    promise.addListener(() => order.push('listener'))
    promise.setSuccess()
    order.push('completed')
    await continued
    assert.deepEqual(order, ['listener', 'completed', 'then'])
  })
})
