import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBuf, IllegalReferenceCountError, Storage } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'

/** A chunk `text` in the middle of a slab, and what the event loop does with the slab afterwards. */
function slabChunk(text: string): { slab: Buffer; storage: Storage; buffer: ByteBuf; overwriteSlab: () => void } {
  const slab = Buffer.alloc(64, 0x2e)
  const length = slab.write(text, 10, 'latin1')
  const storage = new Storage(slab, 10, length, true)
  return { slab, storage, buffer: ByteBuf.overStorage(storage), overwriteSlab: () => void slab.fill(0xdd) }
}

test('a buffer over a storage has the whole of it readable and grows without limit', () => {
  const { buffer } = slabChunk('hello')
  assert.equal(buffer.readerIndex, 0)
  assert.equal(buffer.writerIndex, 5)
  assert.equal(buffer.capacity, 5)
  assert.equal(buffer.maxCapacity, 2147483647)
  assert.equal(buffer.toString('latin1'), 'hello')
})

test('moving out of the slab keeps every view and its indexes right', () => {
  const { storage, buffer, overwriteSlab } = slabChunk('hello world')
  buffer.readByte()
  const slice = buffer.slice(6, 5)
  const inner = slice.slice(1, 3)
  const duplicate = buffer.duplicate()
  const readOnly = slice.asReadOnly()
  storage.moveOut()
  overwriteSlab()
  assert.equal(storage.slab, false)
  assert.equal(storage.base, 0)
  assert.equal(buffer.toString('latin1'), 'ello world')
  assert.equal(slice.toString('latin1'), 'world')
  assert.equal(inner.toString('latin1'), 'orl')
  assert.equal(duplicate.toString('latin1'), 'ello world')
  assert.equal(readOnly.toString('latin1'), 'world')
  slice.setByte(0, 0x57)
  assert.equal(buffer.toString('latin1'), 'ello World')
})

test('moving out copies once: a second time changes nothing', () => {
  const { storage } = slabChunk('hello')
  storage.moveOut()
  const { bytes } = storage
  storage.moveOut()
  assert.equal(storage.bytes, bytes)
})

test('asBuffer moves the bytes out of the slab, so that they stay when it is overwritten', () => {
  const { storage, buffer, overwriteSlab } = slabChunk('hello world')
  const bytes = buffer.slice(6, 5).asBuffer()
  assert.equal(storage.slab, false)
  overwriteSlab()
  assert.equal(bytes.toString('latin1'), 'world')
})

test('asBuffer of a slice that was made after an asBuffer of the whole shares its memory', () => {
  const { buffer } = slabChunk('hello world')
  const whole = buffer.asBuffer()
  buffer.slice(6, 5).asBuffer()[0] = 0x57
  assert.equal(whole.toString('latin1'), 'hello World')
})

test('unsafeBuffer shows the slab itself', () => {
  const { storage, buffer, overwriteSlab } = slabChunk('hello')
  const bytes = buffer.unsafeBuffer()
  assert.equal(storage.slab, true)
  overwriteSlab()
  assert.equal(bytes.toString('hex'), 'dddddddddd')
})

test('growing moves out of the slab and never writes to it', () => {
  const { slab, storage, buffer, overwriteSlab } = slabChunk('hello')
  const before = Buffer.from(slab)
  const slice = buffer.slice(0, 5)
  buffer.writeByte(0x21)
  assert.deepEqual(slab, before)
  overwriteSlab()
  assert.equal(storage.slab, false)
  assert.equal(buffer.toString('latin1'), 'hello!')
  assert.equal(slice.toString('latin1'), 'hello')
})

test('shrinking moves out of the slab too', () => {
  const { storage, buffer, overwriteSlab } = slabChunk('hello')
  buffer.setCapacity(2)
  overwriteSlab()
  assert.equal(storage.slab, false)
  assert.equal(buffer.toString('latin1'), 'he')
})

test('growth keeps all bytes below the capacity, not only the readable ones', () => {
  const { buffer } = slabChunk('hello')
  buffer.clear().setCapacity(9)
  assert.equal(buffer.getCharSequence(0, 9, 'latin1'), 'hello\0\0\0\0')
})

test('the last release drops the memory; whether the chunk was moved out can still be seen', () => {
  const { slab, storage, buffer } = slabChunk('hello')
  assert.equal(buffer.release(), true)
  assert.equal(storage.refCnt, 0)
  assert.notEqual(storage.bytes, slab)
  assert.equal(storage.capacity, 0)
  assert.equal(storage.slab, true)
  const moved = slabChunk('hello').buffer
  moved.asBuffer()
  moved.release()
  assert.equal(moved.storage.slab, false)
})

test('reference counts are checked: below 0, above 2^31 - 1, and increments that are none', () => {
  const storage = new Storage(Buffer.alloc(1), 0, 1, false)
  storage.retain(2147483646)
  assert.throws(() => storage.retain(1), { name: 'IllegalReferenceCountError', code: 'ERR_KNOTTY_ILLEGAL_REFERENCE_COUNT' })
  assert.equal(storage.release(2147483646), false)
  assert.throws(() => storage.release(2), IllegalReferenceCountError)
  assert.throws(() => storage.release(0), IllegalArgumentError)
  assert.throws(() => storage.retain(-1), IllegalArgumentError)
  assert.equal(storage.refCnt, 1)
  assert.equal(storage.release(1), true)
  assert.throws(() => storage.retain(1), IllegalReferenceCountError)
  assert.throws(() => storage.release(1), /refCnt: 0, decrement: 1 \(the buffer was released before: by this code, or by the write\(\)/)
})
