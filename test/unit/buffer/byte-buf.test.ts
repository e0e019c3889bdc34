import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { ByteBuf, IllegalReferenceCountError, Unpooled } from '@knotty/buffer'
import { IndexOutOfBoundsError } from '@knotty/common'

const hello = (): ByteBuf => Unpooled.copiedBuffer('hello world', 'latin1')

test('a slice shares bytes and count, has its own indexes, and a fixed size', () => {
  const buffer = hello().skipBytes(6)
  const slice = buffer.slice()
  assert.equal(slice.toString('latin1'), 'world')
  assert.deepEqual([slice.readerIndex, slice.writerIndex, slice.capacity, slice.maxCapacity], [0, 5, 5, 5])
  slice.setByte(0, 0x57).readByte()
  assert.equal(buffer.toString('latin1'), 'World')
  assert.equal(buffer.refCnt, 1)
  assert.throws(() => slice.writeByte(1), IndexOutOfBoundsError)
  assert.throws(() => slice.getByte(5), IndexOutOfBoundsError)
  assert.throws(() => slice.getByte(-1), IndexOutOfBoundsError)
  assert.throws(() => buffer.slice(0, 9999), IndexOutOfBoundsError)
})

test('a view lives on after its origin has grown, and sees the new memory', () => {
  const buffer = Unpooled.buffer(4).writeInt(1)
  const slice = buffer.slice(0, 4)
  const duplicate = buffer.duplicate()
  buffer.writeInt(2)
  duplicate.setInt(0, 7)
  assert.equal(slice.readInt(), 7)
  assert.equal(buffer.readInt(), 7)
  assert.equal(duplicate.capacity, buffer.capacity)
})

test('a duplicate that grows takes its origin along', () => {
  const buffer = Unpooled.buffer(4, 100).writeInt(1)
  const duplicate = buffer.duplicate()
  duplicate.writeLong(2n)
  assert.equal(buffer.capacity, 64)
  assert.deepEqual([buffer.writerIndex, duplicate.writerIndex], [4, 12])
})

test('the duplicate of a slice reaches all of the memory below, as in Netty 4.1.48', () => {
  const slice = hello().slice(6, 5).skipBytes(1)
  const duplicate = slice.duplicate()
  assert.deepEqual([duplicate.readerIndex, duplicate.writerIndex, duplicate.capacity > 5], [7, 11, true])
  assert.equal(duplicate.toString('latin1'), 'orld')
})

test('retained views own a reference, plain ones do not', () => {
  const buffer = hello()
  const retained = [buffer.retainedSlice(), buffer.retainedSlice(1, 2), buffer.retainedDuplicate(), buffer.readRetainedSlice(3)]
  assert.equal(buffer.refCnt, 5)
  buffer.readSlice(1)
  buffer.duplicate()
  buffer.asReadOnly()
  assert.equal(buffer.refCnt, 5)
  for (const view of retained) assert.equal(view.release(), false)
  assert.equal(buffer.release(), true)
  assert.throws(() => retained[1]!.readByte(), IllegalReferenceCountError)
})

test('readSlice takes bytes off the front', () => {
  const buffer = hello()
  assert.equal(buffer.readSlice(5).toString('latin1'), 'hello')
  assert.equal(buffer.readerIndex, 5)
  assert.throws(() => buffer.readSlice(7), IndexOutOfBoundsError)
  assert.equal(buffer.readerIndex, 5)
})

test('a copy shares nothing and can grow as its origin could', () => {
  const buffer = hello()
  const copy = buffer.slice(0, 5).copy(1, 3)
  buffer.release()
  assert.equal(copy.toString('latin1'), 'ell')
  assert.equal(copy.writeByte(0x21).toString('latin1'), 'ell!')
})

test('all buffers and views have one hidden class', () => {
  const buffer = hello()
  const wrapped = Unpooled.wrappedBuffer(Buffer.alloc(1))
  const views = [buffer.slice(), buffer.duplicate(), buffer.asReadOnly(), buffer.copy(), Unpooled.EMPTY_BUFFER, wrapped]
  for (const view of views) {
    assert.equal(Object.getPrototypeOf(view), ByteBuf.prototype)
    assert.deepEqual(Object.keys(view), Object.keys(buffer))
  }
})

test('isByteBuf knows a ByteBuf of another copy of the package by its brand', async () => {
  const url = import.meta.resolve('@knotty/buffer').replace('index.js', 'byte-buf.js?copy')
  const other = (await import(url)) as { ByteBuf: typeof ByteBuf }
  assert.notEqual(other.ByteBuf, ByteBuf)
  assert.equal(ByteBuf.isByteBuf(other.ByteBuf.wrap(Buffer.alloc(1))), true)
  for (const value of [undefined, null, 1, 'a', {}, Buffer.alloc(1)]) assert.equal(ByteBuf.isByteBuf(value), false)
})

test('util.inspect prints the indexes and the readable bytes only', () => {
  const buffer = Unpooled.copiedBuffer(Buffer.from('0102030405', 'hex')).skipBytes(1)
  buffer.writerIndex = 4
  assert.equal(inspect(buffer), '<ByteBuf ridx: 1 widx: 4 cap: 5 | 02 03 04>')
  assert.equal(inspect({ buffer: buffer.slice() }), '{ buffer: <ByteBuf ridx: 0 widx: 3 cap: 3 | 02 03 04> }')
  assert.equal(inspect(buffer.skipBytes(3)), '<ByteBuf ridx: 4 widx: 4 cap: 5>')
  buffer.release()
  assert.equal(inspect(buffer), '<ByteBuf released>')
})

test('util.inspect cuts a long dump after 32 bytes', () => {
  assert.match(inspect(Unpooled.buffer(33).writeZero(33)), /cap: 33 \| 00( 00){31} \.\.\. 1 more byte>$/)
  assert.match(inspect(Unpooled.buffer(99).writeZero(99)), / \.\.\. 67 more bytes>$/)
})
