import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { type ByteBuf, ByteProcessor, IllegalReferenceCountError, ReadOnlyBufferError, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError, IndexOutOfBoundsError, KnottyError, UnsupportedOperationError } from '@knotty/common'

const hello = (): ByteBuf => Unpooled.copiedBuffer('hello world', 'latin1')

/** Every member that reaches the memory or hands it on, with harmless arguments. */
const ACCESSES: Readonly<Record<string, (b: ByteBuf) => unknown>> = {
  ...numberAccesses(),
  copyReadableTo: (b) => b.copyReadableTo(Buffer.alloc(64), 0),
  'getBytes to an array': (b) => b.getBytes(0, new Uint8Array(1)),
  'getBytes to a buffer': (b) => b.getBytes(0, Unpooled.buffer(8), 1),
  'setBytes from an array': (b) => b.setBytes(0, new Uint8Array(1)),
  'setBytes from a buffer': (b) => b.setBytes(0, hello(), 0, 1),
  setZero: (b) => b.setZero(0, 1),
  'setZero of nothing': (b) => b.setZero(0, 0),
  'readBytes of a length': (b) => b.readBytes(1),
  'readBytes of length 0': (b) => b.readBytes(0),
  'readBytes to an array': (b) => b.readBytes(new Uint8Array(1)),
  'readBytes to a buffer': (b) => b.readBytes(Unpooled.buffer(8), 1),
  skipBytes: (b) => b.skipBytes(0),
  'writeBytes from an array': (b) => b.writeBytes(new Uint8Array(1)),
  'writeBytes of nothing': (b) => b.writeBytes(new Uint8Array(0)),
  'writeBytes from a buffer': (b) => b.writeBytes(hello()),
  'writeBytes to another buffer': (b) => Unpooled.buffer().writeBytes(b),
  writeZero: (b) => b.writeZero(0),
  asBuffer: (b) => b.asBuffer(),
  unsafeBuffer: (b) => b.unsafeBuffer(),
  getCharSequence: (b) => b.getCharSequence(0, 0),
  readCharSequence: (b) => b.readCharSequence(0),
  setCharSequence: (b) => b.setCharSequence(0, 'a', 'latin1'),
  writeCharSequence: (b) => b.writeCharSequence('a'),
  'toString(encoding)': (b) => b.toString('utf8'),
  indexOf: (b) => b.indexOf(0, 1, 1),
  'indexOf backwards': (b) => b.indexOf(1, 0, 1),
  bytesBefore: (b) => b.bytesBefore(1),
  forEachByte: (b) => b.forEachByte(ByteProcessor.FIND_LF),
  forEachByteDesc: (b) => b.forEachByteDesc(ByteProcessor.FIND_LF),
  equals: (b) => b.equals(hello()),
  'equals as the argument': (b) => hello().equals(b),
  compareTo: (b) => b.compareTo(hello()),
  hashCode: (b) => b.hashCode(),
  slice: (b) => b.slice(),
  retainedSlice: (b) => b.retainedSlice(),
  readSlice: (b) => b.readSlice(0),
  readRetainedSlice: (b) => b.readRetainedSlice(0),
  duplicate: (b) => b.duplicate(),
  retainedDuplicate: (b) => b.retainedDuplicate(),
  asReadOnly: (b) => b.asReadOnly(),
  copy: (b) => b.copy(),
  setCapacity: (b) => b.setCapacity(4),
  ensureWritable: (b) => b.ensureWritable(10),
  tryEnsureWritable: (b) => b.tryEnsureWritable(0),
  discardReadBytes: (b) => b.discardReadBytes(),
  discardSomeReadBytes: (b) => b.discardSomeReadBytes(),
  retain: (b) => b.retain(),
  release: (b) => b.release(),
}

function numberAccesses(): Record<string, (b: ByteBuf) => unknown> {
  const accesses: Record<string, (b: any) => unknown> = {}
  for (let links: any = Object.getPrototypeOf(hello()); links !== Object.prototype; links = Object.getPrototypeOf(links)) {
    for (const name of Object.getOwnPropertyNames(links)) {
      const match = /^(get|set|read|write)(?:Unsigned|Safe)?(Boolean|Byte|Short|Medium|Int|Long|Char|Float|Double)(?:LE)?$/.exec(name)
      if (match === null) continue
      const args = { get: [0], set: [0, 1], read: [], write: [1] }[match[1] as 'get']
      accesses[name] = (b) => b[name](...args)
    }
  }
  return accesses
}

test('there are 82 methods for numbers', () => {
  assert.equal(Object.keys(numberAccesses()).length, 82)
})

for (const [name, access] of Object.entries(ACCESSES)) {
  test(`${name} throws an IllegalReferenceCountError after the last release, through the buffer and through every view`, () => {
    const buffer = hello()
    const views = [buffer, buffer.slice(), buffer.duplicate(), buffer.asReadOnly(), buffer.slice(2, 8).slice(1, 6)]
    buffer.release()
    for (const view of views) {
      assert.throws(() => access(view), IllegalReferenceCountError)
      view.clear()
      assert.throws(() => access(view), IllegalReferenceCountError)
    }
  })
}

test('an error for bad bounds tells index, length, readerIndex, writerIndex and capacity', () => {
  const buffer = Unpooled.buffer(8, 8).writeMedium(1).skipBytes(1)
  const state = /readerIndex: 1, writerIndex: 3, capacity: 8/
  for (const [access, place] of [
    [() => buffer.readInt(), /index: 1, length: 4/],
    [() => buffer.getInt(5), /index: 5, length: 4/],
    [() => buffer.getByte(-1), /index: -1, length: 1/],
    [() => buffer.setLong(4, 1n), /index: 4, length: 8/],
    [() => buffer.writeLong(1n), /index: 3, length: 8/],
    [() => buffer.slice(2, 7), /index: 2, length: 7/],
  ] as const) {
    assert.throws(access, IndexOutOfBoundsError)
    assert.throws(access, { message: state })
    assert.throws(access, { message: place })
  }
})

test('an index that is no integer is out of bounds', () => {
  const buffer = hello()
  for (const index of [Number.NaN, 0.5, -1, 2 ** 32, Number.POSITIVE_INFINITY, undefined as unknown as number]) {
    assert.throws(() => buffer.getByte(index), IndexOutOfBoundsError)
    assert.throws(() => buffer.setByte(index, 1), IndexOutOfBoundsError)
    assert.throws(() => (buffer.readerIndex = index), IndexOutOfBoundsError)
    assert.throws(() => (buffer.writerIndex = index), IndexOutOfBoundsError)
    assert.throws(() => buffer.setIndex(0, index), IndexOutOfBoundsError)
  }
  for (const length of [Number.NaN, 0.5, -1]) {
    assert.throws(() => buffer.skipBytes(length), IllegalArgumentError)
    assert.throws(() => buffer.readSlice(length), IllegalArgumentError)
    assert.throws(() => buffer.readBytes(length), IllegalArgumentError)
    assert.throws(() => buffer.ensureWritable(length), IllegalArgumentError)
    assert.throws(() => buffer.writeZero(length), IllegalArgumentError)
  }
  assert.equal(buffer.readerIndex, 0)
})

test('readerIndex moves within 0..writerIndex and writerIndex within readerIndex..capacity', () => {
  const buffer = Unpooled.buffer(8)
  buffer.writerIndex = 6
  buffer.readerIndex = 4
  assert.throws(() => (buffer.readerIndex = 7), /readerIndex: 7 .*writerIndex\(6\)/)
  assert.throws(() => (buffer.writerIndex = 3), /writerIndex: 3 .*readerIndex\(4\)/)
  assert.throws(() => (buffer.writerIndex = 9), /writerIndex: 9 .*capacity\(8\)/)
  assert.throws(() => buffer.setIndex(5, 4), IndexOutOfBoundsError)
  assert.deepEqual([buffer.readerIndex, buffer.writerIndex], [4, 6])
})

test('readable and writable bytes follow the indexes, capacity and maxCapacity', () => {
  const buffer = Unpooled.buffer(8, 20)
  assert.equal(buffer.isReadable, false)
  buffer.writeInt(1).skipBytes(1)
  assert.deepEqual([buffer.readableBytes, buffer.writableBytes, buffer.maxWritableBytes], [3, 4, 16])
  assert.deepEqual([buffer.isReadable, buffer.hasReadable(3), buffer.hasReadable(4)], [true, true, false])
  assert.deepEqual([buffer.isWritable, buffer.hasWritable(4), buffer.hasWritable(5)], [true, true, false])
})

test('a failed write leaves indexes and bytes as they were', () => {
  const buffer = Unpooled.buffer(4, 4).writeMedium(0x010203)
  assert.throws(() => buffer.writeInt(-1), IndexOutOfBoundsError)
  assert.throws(() => buffer.setInt(1, -1), IndexOutOfBoundsError)
  assert.throws(() => buffer.writeBytes(Buffer.alloc(2, 255)), IndexOutOfBoundsError)
  assert.throws(() => buffer.writeCharSequence('ab'), IndexOutOfBoundsError)
  assert.equal(buffer.getInt(0), 0x01020300)
  assert.equal(buffer.writerIndex, 3)
})

test('growth doubles from 64 bytes to 4 MiB and then goes in steps of 4 MiB, up to maxCapacity', () => {
  const MiB = 1024 * 1024
  const grown = (length: number, max?: number): number => Unpooled.buffer(0, max).ensureWritable(length).capacity
  assert.deepEqual([1, 64, 65, 1000, 4 * MiB, 4 * MiB + 1, 9 * MiB].map((length) => grown(length)), [
    64, 64, 128, 1024, 4 * MiB, 8 * MiB, 12 * MiB,
  ])
  assert.equal(grown(65, 100), 100)
  assert.equal(grown(5 * MiB, 5 * MiB + 1), 5 * MiB + 1)
  assert.throws(() => grown(101, 100), IndexOutOfBoundsError)
})

test('new memory is zero', () => {
  const buffer = Unpooled.buffer(0)
  for (const capacity of [1, 70, 5000]) assert.ok(buffer.setCapacity(capacity).forEachByte(0, capacity, ByteProcessor.FIND_NON_NUL) < 0)
})

test('tryEnsureWritable tells 0 for room, 1 for none, 2 for grown, 3 for grown to the maximum', () => {
  const buffer = Unpooled.buffer(4, 100)
  assert.equal(buffer.tryEnsureWritable(4), 0)
  assert.equal(buffer.tryEnsureWritable(5), 2)
  assert.equal(buffer.capacity, 64)
  assert.equal(buffer.tryEnsureWritable(101), 1)
  assert.equal(buffer.tryEnsureWritable(101, true), 3)
  assert.equal(buffer.capacity, 100)
  assert.equal(buffer.tryEnsureWritable(101, true), 1)
  assert.throws(() => buffer.tryEnsureWritable(-1), IllegalArgumentError)
})

test('setCapacity lowers indexes that lie beyond the new end', () => {
  const buffer = hello().skipBytes(8)
  buffer.setCapacity(9)
  assert.deepEqual([buffer.readerIndex, buffer.writerIndex, buffer.capacity], [8, 9, 9])
  buffer.setCapacity(3)
  assert.deepEqual([buffer.readerIndex, buffer.writerIndex, buffer.capacity], [3, 3, 3])
  assert.throws(() => Unpooled.buffer(1, 2).setCapacity(3), IllegalArgumentError)
  assert.throws(() => buffer.setCapacity(-1), IllegalArgumentError)
})

test('a view that reached farther before another one shrank the memory throws instead of reading nothing', () => {
  const buffer = Unpooled.copiedBuffer(Buffer.from('0102030405060708', 'hex'))
  const slice = buffer.slice(4, 4)
  const duplicate = buffer.duplicate()
  buffer.setCapacity(6)
  assert.equal(slice.readShort(), 0x0506)
  for (const access of [
    () => slice.readShort(),
    () => slice.getByte(2),
    () => slice.setByte(3, 1),
    () => slice.clear().writeInt(1),
    () => duplicate.readLong(),
    () => duplicate.getLong(0),
    () => duplicate.unsafeBuffer(),
    () => duplicate.hashCode(),
    () => duplicate.copyReadableTo(Buffer.alloc(8), 0),
  ]) {
    assert.throws(access, IndexOutOfBoundsError)
  }
})

test('marks remember an index; clear keeps them and discardReadBytes lowers them', () => {
  const buffer = hello().skipBytes(3).markReaderIndex().markWriterIndex()
  buffer.readByte()
  assert.equal(buffer.resetReaderIndex().readerIndex, 3)
  buffer.skipBytes(1).discardReadBytes()
  assert.equal(buffer.toString('latin1'), 'o world')
  assert.equal(buffer.resetReaderIndex().readerIndex, 0)
  assert.equal(buffer.clear().resetWriterIndex().writerIndex, 7)
})

test('discardSomeReadBytes waits until half the capacity was read', () => {
  const buffer = Unpooled.buffer(8).writeLong(1n).skipBytes(3).discardSomeReadBytes()
  assert.equal(buffer.readerIndex, 3)
  assert.equal(buffer.skipBytes(1).discardSomeReadBytes().readerIndex, 0)
  assert.equal(buffer.readInt(), 1)
  assert.deepEqual([buffer.discardSomeReadBytes().readerIndex, buffer.writerIndex], [0, 0])
})

test('a read-only view refuses every change and says so', () => {
  const buffer = Unpooled.copiedBuffer('hello world', 'latin1')
  const readOnly = buffer.asReadOnly()
  for (const [name, access] of Object.entries(ACCESSES)) {
    if (!/^(?:set|write(?!Bytes to)|ensureWritable|discard)/.test(name) || /nothing|writeZero/.test(name)) continue
    assert.throws(() => access(readOnly), ReadOnlyBufferError, name)
  }
  assert.equal(buffer.toString('latin1'), 'hello world')
  assert.equal(readOnly.isReadOnly, true)
  assert.equal(readOnly.isWritable, false)
  assert.equal(readOnly.tryEnsureWritable(1), 1)
  assert.equal(readOnly.slice().isReadOnly, true)
  assert.equal(readOnly.duplicate().isReadOnly, true)
  assert.equal(readOnly.copy().isReadOnly, false)
  assert.equal(readOnly.asReadOnly(), readOnly)
})

test('the errors carry their codes', () => {
  const readOnly = hello().asReadOnly()
  assert.throws(() => readOnly.setByte(0, 1), { name: 'ReadOnlyBufferError', code: 'ERR_KNOTTY_READ_ONLY_BUFFER' })
  assert.throws(() => readOnly.setByte(0, 1), UnsupportedOperationError)
  assert.throws(() => readOnly.getByte(99), KnottyError)
  assert.throws(() => hello().slice().setCapacity(2), { name: 'UnsupportedOperationError' })
})

test('retain, release and touch work on the memory that all views share', () => {
  const buffer = hello()
  const slice = buffer.slice()
  assert.equal(slice.retain(2).refCnt, 3)
  assert.equal(buffer.touch('here').refCnt, 3)
  assert.equal(buffer.release(2), false)
  assert.equal(slice.release(), true)
  assert.deepEqual([buffer.refCnt, buffer.capacity], [0, 0])
})

test('`using` releases', () => {
  const buffer = hello()
  {
    using held = buffer.retain()
    assert.equal(held.refCnt, 2)
  }
  assert.equal(buffer.refCnt, 1)
})
