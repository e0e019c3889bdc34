import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { Backoff, type BackoffOptions } from '@knotty/handler'
import * as fc from 'fast-check'
import { seededRandom } from '../../../../packages/testing/dist/seeded-random.js'

/** The bounds of the first delays: what they would be just below the end of the random range. */
function bounds(options: BackoffOptions, count: number): number[] {
  const backoff = new Backoff({ ...options, random: () => 0.5 })
  return Array.from({ length: count }, () => backoff.nextDelayMs() * 2)
}

/** Numbers in [0, 1), the same for the same seed. */
function seeded(seed: number): () => number {
  const random = seededRandom(seed)
  return () => random(2 ** 32) / 2 ** 32
}

describe('Backoff', () => {
  test('doubles the bound from one delay to the next, up to the greatest', () => {
    assert.deepEqual(bounds({}, 7), [1000, 2000, 4000, 8000, 16000, 30000, 30000])
    assert.deepEqual(bounds({ minDelayMs: 10, maxDelayMs: 100, factor: 3 }, 5), [10, 30, 90, 100, 100])
    assert.deepEqual(bounds({ minDelayMs: 10, maxDelayMs: 100, factor: 1 }, 3), [10, 10, 10])
    assert.deepEqual(bounds({ minDelayMs: 60_000 }, 2), [60_000, 60_000])
  })

  test('begins at the first bound again after reset()', () => {
    const backoff = new Backoff({ random: () => 0.5 })
    assert.deepEqual([backoff.nextDelayMs(), backoff.nextDelayMs(), backoff.boundMs], [500, 1000, 4000])
    backoff.reset()
    assert.deepEqual([backoff.boundMs, backoff.nextDelayMs()], [1000, 500])
  })

  test('stays from 0 to below the bound, and the bound within its limits, for any options', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.double({ min: 1, max: 1e9, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 50 }),
        (minDelayMs, more, factor, numbers) => {
          const left = [...numbers]
          const backoff = new Backoff({ minDelayMs, maxDelayMs: minDelayMs + more, factor, random: () => left.shift() ?? 0 })
          let last = 0
          for (let n = 0; n < numbers.length; n++) {
            const bound = backoff.boundMs
            assert.ok(bound >= last && bound >= minDelayMs && bound <= minDelayMs + more, `bound ${bound}`)
            const delay = backoff.nextDelayMs()
            assert.ok(delay >= 0 && delay < bound, `delay ${delay} of ${bound}`)
            last = bound
          }
        },
      ),
    )
  })

  test('spreads delays evenly over the whole range: each tenth of it gets a tenth of 10000 clients', () => {
    const random = seeded(20261120)
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let client = 0; client < 10_000; client++) {
      const backoff = new Backoff({ random })
      backoff.nextDelayMs()
      backoff.nextDelayMs()
      const tenth = Math.floor(backoff.nextDelayMs() / 400)
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    assert.equal(tenths.length, 10)
    // 1000 expected with a standard deviation of 30: five of them.
    for (const count of tenths) assert.ok(Math.abs(count - 1000) < 150, tenths.join(' '))
  })

  test('refuses options out of range, and names them', () => {
    const refused = (options: BackoffOptions, message: RegExp): void =>
      assert.throws(() => new Backoff(options), (error: Error) => error instanceof IllegalArgumentError && message.test(error.message))
    refused({ minDelayMs: 0 }, /minDelayMs: 0/)
    refused({ minDelayMs: Number.NaN }, /minDelayMs: NaN/)
    refused({ minDelayMs: 100, maxDelayMs: 99 }, /maxDelayMs: 99 \(expected: at least minDelayMs, 100\)/)
    refused({ factor: 0.9 }, /factor: 0\.9/)
    refused({ factor: Infinity }, /factor: Infinity/)
    refused({ random: 4 as never }, /random: number \(expected: a function\)/)
  })

  test('refuses what random gives out of range', () => {
    for (const bad of [1, -0.1, Number.NaN, undefined]) {
      assert.throws(() => new Backoff({ random: () => bad as number }).nextDelayMs(), /random: gave .* \(expected: from 0 to below 1\)/)
    }
  })
})

test('refuses options that are no object', () => {
  assert.throws(() => new Backoff(1000 as never), /options: 1000 \(expected: new Backoff\(\{ minDelayMs, maxDelayMs \}\)\)/)
})
