import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { chunkedBytes, chunkingOf } from '@knotty/testing'
import * as fc from 'fast-check'

test('the chunks of chunkingOf are the bytes in order', () => {
  for (const length of [0, 1, 2, 100]) {
    const bytes = Buffer.from(Array.from({ length }, (_, index) => index))
    fc.assert(fc.property(chunkingOf(bytes), (chunks) => assert.deepEqual(Buffer.concat(chunks), bytes)))
  }
})

test('chunkingOf comes to whole, byte by byte and empty chunks', () => {
  const seen = fc.sample(chunkingOf(Buffer.alloc(10)), { numRuns: 500, seed: 1 })
  assert.ok(seen.some((chunks) => chunks.length === 1))
  assert.ok(seen.some((chunks) => chunks.length === 10 && chunks.every((chunk) => chunk.length === 1)))
  assert.ok(seen.some((chunks) => chunks.some((chunk) => chunk.length === 0)))
})

test('chunkingOf shrinks to as few chunks as still fail, from byte by byte too', () => {
  const bytes = Buffer.alloc(100)
  for (let seed = 0; seed < 50; seed++) {
    const { counterexample } = fc.check(fc.property(chunkingOf(bytes), (chunks) => chunks.length < 5), { seed })
    assert.equal(counterexample?.[0].length, 5, `seed ${seed}`)
  }
})

test('chunkedBytes stays within its length', () => {
  fc.assert(
    fc.property(chunkedBytes({ maxLength: 20 }), ({ bytes, chunks }) => {
      assert.ok(bytes.length <= 20)
      assert.deepEqual(Buffer.concat(chunks), Buffer.from(bytes))
    }),
  )
})
