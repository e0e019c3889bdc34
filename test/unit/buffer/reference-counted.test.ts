import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { isReferenceCounted, release, retain, Unpooled } from '@knotty/buffer'

test('retain and release work on what is reference-counted', () => {
  const buffer = Unpooled.buffer()
  assert.equal(retain(buffer), buffer)
  assert.equal(buffer.refCnt, 2)
  assert.equal(release(buffer), false)
  assert.equal(release(buffer), true)
})

test('retain and release leave everything else alone', () => {
  for (const value of [undefined, null, 1, 'text', Symbol.iterator, {}, Buffer.alloc(1), { release: () => true }]) {
    assert.equal(retain(value), value)
    assert.equal(release(value), false)
    assert.equal(isReferenceCounted(value), false)
  }
})
