import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import type * as OutListModule from '../../../packages/codec/dist/out-list.js'
import { internal } from './support.js'

const { giveBackOutList, takeOutList } = await internal<typeof OutListModule>('out-list.js')

test('lists nest: each taker gets an empty one of its own, and the same again later', () => {
  const outer = takeOutList()
  outer.push(1)
  const inner = takeOutList()
  assert.notEqual(inner, outer)
  assert.deepEqual(inner, [])
  giveBackOutList(inner)
  giveBackOutList(outer)
  assert.equal(takeOutList(), outer)
  assert.deepEqual(outer, [])
  giveBackOutList(outer)
})

test('what is left in a list that is given back is released', () => {
  const list = takeOutList()
  const buffer = Unpooled.buffer(1)
  list.push('text', buffer)
  giveBackOutList(list)
  assert.equal(buffer.refCnt, 0)
})
