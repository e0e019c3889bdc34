import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { IllegalReferenceCountError } from '@knotty/buffer'
import type * as SmallBufferModule from '../../../packages/codec/dist/small-buffer.js'
import { internal } from './support.js'

const { smallBuffer } = await internal<typeof SmallBufferModule>('small-buffer.js')

test('small buffers never share a byte, across many blocks', () => {
  const buffers = Array.from({ length: 5000 }, (_, index) => smallBuffer(1 + (index % 8)))
  buffers.forEach((buffer, index) => {
    for (let i = 0; i < buffer.capacity; i++) buffer.setByte(i, index)
  })
  buffers.forEach((buffer, index) => {
    for (let i = 0; i < buffer.capacity; i++) assert.equal(buffer.getUnsignedByte(i), index & 0xff)
  })
})

test('a small buffer is zero, all readable, and memory of a released one is not used again', () => {
  const first = smallBuffer(4)
  assert.equal(first.readableBytes, 4)
  assert.equal(first.readInt(), 0)
  const { storage } = first
  const { base, bytes } = storage
  first.release()
  for (let i = 0; i < 2000; i++) {
    const next = smallBuffer(4)
    assert.ok(next.storage.bytes !== bytes || next.storage.base !== base)
  }
})

test('a small buffer that is released too often throws and leaves its neighbours alone', () => {
  const [one, other] = [smallBuffer(4), smallBuffer(4).setInt(0, 7)]
  one.release()
  assert.throws(() => one.release(), IllegalReferenceCountError)
  assert.throws(() => one.getInt(0), IllegalReferenceCountError)
  assert.equal(other.getInt(0), 7)
})

test('a small buffer whose memory is given to another thread leaves its neighbours alone', () => {
  const [one, other] = [smallBuffer(4), smallBuffer(4).setInt(0, 7)]
  const array = one.asBuffer()
  const { port1 } = new MessageChannel()
  try {
    port1.postMessage(array, [array.buffer as ArrayBuffer]) // throws since Node 21, copies before
  } catch (error) {
    assert.equal((error as Error).name, 'DataCloneError')
  } finally {
    port1.close()
  }
  assert.equal(other.getInt(0), 7)
  assert.equal(smallBuffer(4).setInt(0, 8).getInt(0), 8)
})

test('a small buffer that grows moves out of the block', () => {
  const buffer = smallBuffer(2).clear()
  const neighbour = smallBuffer(2)
  buffer.writeInt(0x01020304)
  assert.equal(neighbour.getShort(0), 0)
  assert.equal(buffer.getInt(0), 0x01020304)
})
