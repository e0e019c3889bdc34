import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBuf, Storage } from '@knotty/buffer'
import * as fc from 'fast-check'

/** The model: readable bytes as an array, nothing else. Each operation is played on both and must give the same. */
class Model {
  bytes: number[]

  constructor(bytes: readonly number[]) {
    this.bytes = [...bytes]
  }

  read(length: number): number[] | undefined {
    return length > this.bytes.length ? undefined : this.bytes.splice(0, length)
  }
}

type Operation = (buffer: ByteBuf, model: Model, storage: Storage) => void

/** Both sides give the same bytes, or both refuse and stay as they were. */
function sameRead(actual: () => readonly number[], expected: readonly number[] | undefined): void {
  if (expected === undefined) assert.throws(actual, { name: 'IndexOutOfBoundsError' })
  else assert.deepEqual(actual(), expected)
}

const length = fc.nat(80)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes): Operation => (b, m) => {
    b.writeBytes(bytes)
    m.bytes.push(...bytes)
  }),
  fc.integer().map((value): Operation => (b, m) => {
    b.writeInt(value).writeIntLE(value)
    const bytes = Buffer.alloc(8)
    bytes.writeInt32BE(value)
    bytes.writeInt32LE(value, 4)
    m.bytes.push(...bytes)
  }),
  length.map((n): Operation => (b, m) => {
    b.writeZero(n)
    m.bytes.push(...Array.from({ length: n }, () => 0))
  }),
  fc.constant<Operation>((b, m) => sameRead(() => [b.readUnsignedByte()], m.read(1))),
  fc.constant<Operation>((b, m) => {
    const expected = m.read(4)
    sameRead(() => [b.readInt()], expected && [Buffer.from(expected).readInt32BE()])
  }),
  length.map((n): Operation => (b, m) => sameRead(() => [...b.readSlice(n).unsafeBuffer()], m.read(n))),
  length.map((n): Operation => (b, m) => sameRead(() => [...b.readBytes(n).asBuffer()], m.read(n))),
  length.map((n): Operation => (b, m) => sameRead(() => (b.skipBytes(n), []), m.read(n) && [])),
  fc.tuple(length, fc.nat(255)).map(([index, value]): Operation => (b, m) => {
    if (index >= m.bytes.length) return
    b.slice().setByte(index, value)
    m.bytes[index] = value
  }),
  fc.constant<Operation>((b) => void b.discardReadBytes()),
  fc.constant<Operation>((b) => void b.discardSomeReadBytes()),
  fc.constant<Operation>((_b, _m, storage) => storage.moveOut()),
  fc.nat(300).map((n): Operation => (b) => void b.ensureWritable(n)),
  fc.constant<Operation>((b, m) => {
    b.clear()
    m.bytes = []
  }),
)

test('random operations on a chunk of the slab give what a plain array gives, and never touch the slab around it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(operation, { maxLength: 60 }), (chunk, operations) => {
      const slab = Buffer.alloc(300, 0xee)
      slab.set(chunk, 100)
      const storage = new Storage(slab, 100, chunk.length, true)
      const buffer = ByteBuf.overStorage(storage)
      const model = new Model([...chunk])
      for (const play of operations) {
        play(buffer, model, storage)
        if (!storage.slab) slab.fill(0xee)
        assert.deepEqual([...buffer.unsafeBuffer()], model.bytes)
        assert.ok(slab.subarray(0, 100).every((byte) => byte === 0xee))
        assert.ok(slab.subarray(100 + chunk.length).every((byte) => byte === 0xee))
      }
    }),
    { numRuns: 300 },
  )
})
