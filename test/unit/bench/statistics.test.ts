import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { median, ratioSpread, spread } from '../../../../packages/bench/dist/statistics.js'

describe('the statistics of the benchmarks', () => {
  test('the median is a figure that was measured, the upper of two in the middle', () => {
    assert.equal(median([5]), 5)
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([4, 1, 3, 2]), 3)
    assert.equal(median([10, 9]), 10, 'sorted as numbers')
    assert.throws(() => median([]), RangeError)
  })

  test('the spread leaves the figures as they are', () => {
    const values = [3, 1, 2]
    assert.deepEqual(spread(values), { median: 2, min: 1, max: 3 })
    assert.deepEqual(values, [3, 1, 2])
  })

  test('ratios are taken round by round, so that a slow round counts on both sides', () => {
    assert.deepEqual(ratioSpread([20, 40, 10], [10, 20, 5]), { median: 2, min: 2, max: 2 })
    assert.deepEqual(ratioSpread([10, 30], [10, 10, 99]), { median: 3, min: 1, max: 3 }, 'rounds that one of them lacks are left out')
    assert.deepEqual(ratioSpread([10, 30], [0, 10]), { median: 3, min: 3, max: 3 })
  })
})
