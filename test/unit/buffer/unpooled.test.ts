import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBufAllocator, ReadOnlyBufferError, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError, IndexOutOfBoundsError } from '@knotty/common'

test('a new buffer has 256 bytes and no limit unless told otherwise', () => {
  for (const buffer of [Unpooled.buffer(), ByteBufAllocator.DEFAULT.buffer(), new ByteBufAllocator().buffer()]) {
    assert.deepEqual([buffer.capacity, buffer.maxCapacity, buffer.readableBytes, buffer.refCnt], [256, 2147483647, 0, 1])
  }
  assert.deepEqual([Unpooled.buffer(3, 5).capacity, Unpooled.buffer(3, 5).maxCapacity], [3, 5])
})

test('capacities are checked before memory is allocated', () => {
  for (const [initial, max] of [[-1], [2, 1], [0.5], [1, 2 ** 31], [1, Number.NaN]] as const) {
    assert.throws(() => Unpooled.buffer(initial, max), IllegalArgumentError)
  }
})

test('a wrapped array shares its memory and cannot grow', () => {
  const array = new Uint8Array([1, 2, 3])
  const buffer = Unpooled.wrappedBuffer(array)
  array[0] = 9
  assert.equal(buffer.readByte(), 9)
  assert.throws(() => buffer.writeByte(1), IndexOutOfBoundsError)
  assert.equal(Unpooled.wrappedBuffer(new Uint8Array(0)), Unpooled.EMPTY_BUFFER)
})

test('a wrapped buffer is a slice of the readable bytes that takes over the reference', () => {
  const buffer = Unpooled.copiedBuffer(Buffer.from([1, 2, 3])).skipBytes(1)
  const wrapped = Unpooled.wrappedBuffer(buffer)
  assert.equal(wrapped.readShort(), 0x0203)
  assert.equal(wrapped.release(), true)
  const spent = Unpooled.buffer()
  assert.equal(Unpooled.wrappedBuffer(spent), Unpooled.EMPTY_BUFFER)
  assert.equal(spent.refCnt, 0)
})

test('a copied buffer shares nothing; its source is as before', () => {
  const source = Unpooled.copiedBuffer('héllo')
  assert.equal(source.readableBytes, 6)
  const copy = Unpooled.copiedBuffer(source)
  source.setByte(0, 0)
  assert.deepEqual([copy.toString('utf8'), source.readerIndex, source.refCnt], ['héllo', 0, 1])
  assert.equal(Unpooled.copiedBuffer('é', 'latin1').readableBytes, 1)
  assert.equal(Unpooled.copiedBuffer('').readableBytes, 0)
  assert.equal(copy.writeByte(1).readableBytes, 7)
})

test('the empty buffer can be shared: nothing changes it', () => {
  const empty = Unpooled.EMPTY_BUFFER
  assert.equal(empty.retain().release(), false)
  assert.equal(empty.release(5), false)
  assert.equal(empty.refCnt, 1)
  assert.equal(empty.slice().duplicate().copy().release(), false)
  assert.throws(() => empty.writeByte(1), IndexOutOfBoundsError)
  assert.throws(() => empty.setCapacity(1), ReadOnlyBufferError)
  assert.throws(() => empty.writeCharSequence(''), IndexOutOfBoundsError)
  assert.equal(empty.tryEnsureWritable(1, true), 1)
  assert.equal(empty.asBuffer().length, 0)
})
