import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBuf, Storage, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError, IndexOutOfBoundsError } from '@knotty/common'

const counting = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i & 0xff))

for (const length of [0, 1, 3, 4, 7, 48, 59, 60, 61, 64, 65, 200, 5000]) {
  test(`copyReadableTo copies ${length} bytes, tells their number, and moves no index`, () => {
    const slab = Buffer.concat([Buffer.alloc(5, 0xee), counting(length), Buffer.alloc(5, 0xee)])
    const buffer = ByteBuf.overStorage(new Storage(slab, 5, length, true))
    const target = Buffer.alloc(length + 10)
    assert.equal(buffer.copyReadableTo(target, 3), length)
    assert.deepEqual(target, Buffer.concat([Buffer.alloc(3), counting(length), Buffer.alloc(7)]))
    assert.deepEqual([buffer.readerIndex, buffer.writerIndex], [0, length])
    const slice = buffer.slice(length >> 1, length - (length >> 1)).skipBytes(length > 2 ? 1 : 0)
    assert.equal(slice.copyReadableTo(target.fill(0), 0), slice.readableBytes)
    assert.deepEqual(target.subarray(0, slice.readableBytes), slice.unsafeBuffer())
  })

  test(`${length} bytes move within one buffer as in memmove, in both directions`, () => {
    for (const shift of [1, 2, 5, 70]) {
      const bytes = counting(length + 70)
      const up = Unpooled.copiedBuffer(bytes)
      up.setBytes(shift, up, 0, length)
      const down = Unpooled.copiedBuffer(bytes)
      down.setBytes(0, down, shift, length)
      const expectedUp = Buffer.from(bytes)
      expectedUp.copyWithin(shift, 0, length)
      const expectedDown = Buffer.from(bytes)
      expectedDown.copyWithin(0, shift, shift + length)
      assert.deepEqual(up.asBuffer(), expectedUp)
      assert.deepEqual(down.asBuffer(), expectedDown)
    }
  })
}

test('copyReadableTo refuses a target that is too short and leaves it as it was', () => {
  const buffer = Unpooled.copiedBuffer(counting(10))
  const target = Buffer.alloc(12)
  for (const start of [3, -1, 13]) assert.throws(() => buffer.copyReadableTo(target, start), IndexOutOfBoundsError)
  assert.deepEqual(target, Buffer.alloc(12))
})

test('bytes go from and to arrays, whole or in part', () => {
  const buffer = Unpooled.buffer(4).writeBytes(new Uint8Array([1, 2, 3])).writeBytes(Buffer.from([4, 5, 6, 7]), 1, 2)
  assert.deepEqual(buffer.asBuffer(), Buffer.from([1, 2, 3, 5, 6]))
  buffer.setBytes(3, new Uint8Array([8, 9, 10]), 1)
  const array = new Uint8Array(4)
  assert.equal(buffer.getBytes(1, array), buffer)
  assert.deepEqual([...array], [2, 3, 9, 10])
  buffer.getBytes(0, array, 2, 1).readBytes(array, 3, 1)
  assert.deepEqual([...array], [2, 3, 1, 1])
  assert.equal(buffer.readBytes(array).readerIndex, 5)
  assert.deepEqual([...array], [2, 3, 9, 10])
})

test('a view of an array that starts amid its ArrayBuffer is taken from the right place', () => {
  const array = new Uint8Array([1, 2, 3, 4, 5]).subarray(2, 4)
  const buffer = Unpooled.buffer().writeBytes(array)
  assert.deepEqual(buffer.asBuffer(), Buffer.from([3, 4]))
  assert.deepEqual(Unpooled.wrappedBuffer(array).asBuffer(), Buffer.from([3, 4]))
})

test('writeBytes of a buffer moves its readerIndex, with an index it does not', () => {
  const source = Unpooled.copiedBuffer(counting(6))
  const buffer = Unpooled.buffer()
  buffer.writeBytes(source, 4, 2)
  assert.equal(source.readerIndex, 0)
  buffer.writeBytes(source, 2)
  assert.equal(source.readerIndex, 2)
  buffer.writeBytes(source)
  assert.equal(source.readerIndex, 6)
  assert.deepEqual(buffer.asBuffer(), Buffer.from([4, 5, 0, 1, 2, 3, 4, 5]))
})

test('setBytes from a buffer moves its readerIndex, with an index it does not', () => {
  const source = Unpooled.copiedBuffer(counting(4))
  const buffer = Unpooled.copiedBuffer(Buffer.alloc(6))
  buffer.setBytes(0, source, 1, 2).setBytes(2, source, 1).setBytes(3, source)
  assert.equal(source.readerIndex, 4)
  assert.deepEqual(buffer.asBuffer(), Buffer.from([1, 2, 0, 1, 2, 3]))
})

test('readBytes and getBytes fill a buffer at its writerIndex, with an index they do not move it', () => {
  const source = Unpooled.copiedBuffer(counting(8))
  const target = Unpooled.buffer(6, 6)
  source.readBytes(target, 2).getBytes(5, target, 1).readBytes(target, 5, 1)
  assert.deepEqual([source.readerIndex, target.writerIndex], [3, 3])
  source.readBytes(target)
  assert.deepEqual(target.asBuffer(), Buffer.from([0, 1, 5, 3, 4, 5]))
  source.getBytes(0, target, 0, 2)
  assert.equal(target.getByte(1), 1)
})

test('a transfer that one side has no room or bytes for changes neither side', () => {
  const source = Unpooled.copiedBuffer(counting(4))
  const target = Unpooled.buffer(2, 2)
  for (const transfer of [
    () => target.writeBytes(source),
    () => target.setBytes(0, source),
    () => source.readBytes(target, 3),
    () => source.getBytes(2, target, 3),
    () => source.getBytes(2, target, 1, 2),
    () => target.writeBytes(source, 3, 2),
    () => target.writeBytes(source, 5),
    () => source.readBytes(new Uint8Array(5)),
    () => source.readBytes(new Uint8Array(2), 1, 2),
    () => target.writeBytes(new Uint8Array(2), 1, 2),
    () => target.setBytes(1, new Uint8Array(2)),
  ]) {
    assert.throws(transfer, IndexOutOfBoundsError)
    assert.deepEqual([source.readerIndex, target.writerIndex, target.getShort(0)], [0, 0, 0])
  }
  assert.throws(() => target.writeBytes(source, -1), IllegalArgumentError)
})

test('readBytes gives a buffer of its own', () => {
  const buffer = Unpooled.copiedBuffer(counting(8))
  const read = buffer.readBytes(3)
  buffer.setZero(0, 8).release()
  assert.deepEqual(read.asBuffer(), Buffer.from([0, 1, 2]))
  assert.equal(read.refCnt, 1)
})

test('readBytes of no bytes is the empty buffer, whose release does nothing', () => {
  const none = Unpooled.buffer().readBytes(0)
  assert.equal(none.release(), false)
  assert.equal(none.refCnt, 1)
  assert.throws(() => none.writeByte(1), IndexOutOfBoundsError)
})

test('setZero and writeZero write zeros, skipBytes passes over bytes', () => {
  const buffer = Unpooled.copiedBuffer(counting(5)).setZero(1, 2).writeZero(100)
  assert.equal(buffer.readableBytes, 105)
  assert.equal(buffer.skipBytes(1).readInt(), 0x00000304)
  assert.throws(() => buffer.skipBytes(101), IndexOutOfBoundsError)
  assert.throws(() => buffer.setZero(4, -1), IndexOutOfBoundsError)
})

test('asBuffer and unsafeBuffer share memory with the buffer', () => {
  const buffer = Unpooled.copiedBuffer(counting(4)).skipBytes(1)
  buffer.asBuffer()[0] = 77
  buffer.unsafeBuffer()[1] = 78
  assert.equal(buffer.readShort(), (77 << 8) | 78)
})

test('writeBytes and setBytes refuse what has no bytes, and say where text goes', () => {
  const target = Unpooled.buffer(8).writeZero(4)
  for (const copy of [(source: never) => target.writeBytes(source), (source: never) => target.setBytes(0, source)]) {
    assert.throws(() => copy('text' as never), /source: string \(expected: a ByteBuf or Uint8Array; text goes to writeCharSequence/)
    for (const source of [undefined, null, 7, {}, [1, 2]]) assert.throws(() => copy(source as never), IllegalArgumentError)
  }
  assert.equal(target.writerIndex, 4)
})
