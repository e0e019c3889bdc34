import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import type * as OutListModule from '../../../packages/codec/dist/out-list.js'
import { internal } from './support.js'

const { giveBackOutList, takeOutList } = await internal<typeof OutListModule>('out-list.js')

test('lists nest: each taker gets an empty one of its own, and the same again later', () => {
  const outer = takeOutList()
  outer.messages.push(1)
  const inner = takeOutList()
  assert.notEqual(inner, outer)
  assert.deepEqual(inner.messages, [])
  giveBackOutList(inner)
  giveBackOutList(outer)
  assert.equal(takeOutList(), outer)
  assert.deepEqual(outer.messages, [])
  giveBackOutList(outer)
})

test('what is left in a list that is given back is released', () => {
  const list = takeOutList()
  const buffer = Unpooled.buffer(1)
  list.messages.push('text', buffer)
  giveBackOutList(list)
  assert.equal(buffer.refCnt, 0)
})

test('what was taken out is not released, and the rest keeps its order for the next that takes', () => {
  const list = takeOutList()
  const buffers = [Unpooled.buffer(1), Unpooled.buffer(1), Unpooled.buffer(1)]
  list.messages.push(...buffers)
  assert.equal(list.take(), buffers[0])
  assert.equal(list.messages.length, 3)
  giveBackOutList(list)
  assert.deepEqual(
    buffers.map((buffer) => buffer.refCnt),
    [1, 0, 0],
  )
  assert.deepEqual(list.messages, [])
  buffers[0]!.release()
})
