import assert from 'node:assert/strict'
import { once } from 'node:events'
import process from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { CancellationError, DefaultPromise, IllegalStateError } from '@knotty/common'

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
