import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ToldOnce } from '../../../../../packages/transport/dist/channel/told-once.js'

test('each key is the first one once', () => {
  const told = new ToldOnce()
  assert.deepEqual(['a', 'b', 'a', 'b'].map((key) => told.isFirst(key)), [true, true, false, false])
})

test('what is remembered is bounded: behind 1000 keys none is the first', () => {
  const told = new ToldOnce()
  const firsts = Array.from({ length: 1002 }, (_, index) => told.isFirst(`key-${index}`))
  assert.deepEqual([firsts.lastIndexOf(true), firsts.indexOf(false)], [999, 1000])
})
