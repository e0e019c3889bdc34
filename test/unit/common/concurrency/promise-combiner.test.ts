import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CancellationError, DefaultPromise, IllegalStateError, PromiseCombiner } from '@knotty/common'

/** `count` pending promises, added to a combiner that completes `aggregate`. */
function combined(count: number): { parts: DefaultPromise[]; aggregate: DefaultPromise } {
  const parts = Array.from({ length: count }, () => new DefaultPromise())
  const aggregate = new DefaultPromise()
  const combiner = new PromiseCombiner()
  for (const part of parts) combiner.add(part)
  combiner.finish(aggregate)
  return { parts, aggregate }
}

describe('PromiseCombiner', () => {
  test('succeeds when the last part has succeeded', () => {
    const { parts, aggregate } = combined(3)
    parts[2]!.setSuccess()
    parts[0]!.setSuccess()
    assert.equal(aggregate.isDone, false)
    parts[1]!.setSuccess()
    assert.equal(aggregate.isSuccess, true)
  })

  test('fails with the first failure, but not before the last part is done', () => {
    const { parts, aggregate } = combined(3)
    const first = new Error('first')
    parts[1]!.setFailure(first)
    parts[0]!.setFailure(new Error('second'))
    assert.equal(aggregate.isDone, false)
    parts[2]!.setSuccess()
    assert.equal(aggregate.cause, first)
  })

  test('fails with the CancellationError of a cancelled part', () => {
    const { parts, aggregate } = combined(1)
    parts[0]!.cancel()
    assert.ok(aggregate.cause instanceof CancellationError)
    assert.equal(aggregate.isCancelled, false)
  })

  test('succeeds at once when nothing was added', () => {
    assert.equal(combined(0).aggregate.isSuccess, true)
  })

  test('counts parts that were done before they were added', () => {
    const aggregate = new DefaultPromise()
    const combiner = new PromiseCombiner()
    combiner.add(new DefaultPromise().setSuccess())
    combiner.add(new DefaultPromise().setSuccess())
    assert.equal(aggregate.isDone, false)
    combiner.finish(aggregate)
    assert.equal(aggregate.isSuccess, true)
  })

  test('leaves an aggregate that is done already as it is', () => {
    const { parts, aggregate } = combined(1)
    aggregate.cancel()
    parts[0]!.setSuccess()
    assert.equal(aggregate.isCancelled, true)
  })

  test('takes no part and no second aggregate after finish', () => {
    const combiner = new PromiseCombiner()
    combiner.finish(new DefaultPromise())
    assert.throws(() => combiner.add(new DefaultPromise()), IllegalStateError)
    assert.throws(() => combiner.finish(new DefaultPromise()), IllegalStateError)
  })
})
