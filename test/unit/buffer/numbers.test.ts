import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBuf, Storage, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import * as fc from 'fast-check'

/** Knotty's name of a width, Node's, its bytes, and values for it. */
const WIDTHS: readonly (readonly [name: string, node: string, bytes: number, values: fc.Arbitrary<number | bigint>])[] = [
  ['Short', 'Int16', 2, fc.integer({ min: -0x8000, max: 0x7fff })],
  ['UnsignedShort', 'UInt16', 2, fc.integer({ min: 0, max: 0xffff })],
  ['Medium', 'Int', 3, fc.integer({ min: -0x800000, max: 0x7fffff })],
  ['UnsignedMedium', 'UInt', 3, fc.integer({ min: 0, max: 0xffffff })],
  ['Int', 'Int32', 4, fc.integer()],
  ['UnsignedInt', 'UInt32', 4, fc.integer({ min: 0, max: 0xffffffff })],
  ['Long', 'BigInt64', 8, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['UnsignedLong', 'BigUInt64', 8, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ['Float', 'Float', 4, fc.float()],
  ['Double', 'Double', 8, fc.double()],
]

for (const [name, node, length, values] of WIDTHS) {
  for (const suffix of ['', 'LE']) {
    test(`get, set, read and write of ${name}${suffix} are those of Buffer`, () => {
      const writer = name.replace('Unsigned', '')
      fc.assert(
        fc.property(values, fc.nat(20), (value, index) => {
          const expected: any = Buffer.alloc(40, 0xa5)
          const sized = length === 3 ? [length] : []
          const order = suffix === '' ? 'BE' : 'LE'
          expected[`write${node}${order}`](value, index, ...sized)
          const buffer: any = Unpooled.copiedBuffer(Buffer.alloc(40, 0xa5))
          buffer[`set${writer}${suffix}`](index, value)
          assert.deepEqual(buffer.asBuffer(), expected)
          const read = expected[`read${node}${order}`](index, ...sized)
          assert.deepEqual(buffer[`get${name}${suffix}`](index), read)
          buffer.readerIndex = index
          assert.deepEqual(buffer[`read${name}${suffix}`](), read)
          assert.equal(buffer.readerIndex, index + length)
          const written: any = Unpooled.buffer(0)
          written[`write${writer}${suffix}`](value)
          assert.equal(written.writerIndex, length)
          assert.deepEqual(written.asBuffer(), expected.subarray(index, index + length))
        }),
      )
    })
  }
}

test('numbers are read through the place of a view in its storage', () => {
  const slab = Buffer.alloc(64)
  slab.writeInt32BE(0x01020304, 23)
  const chunk = ByteBuf.overStorage(new Storage(slab, 20, 10, true))
  assert.equal(chunk.slice(2, 6).slice(1, 5).readInt(), 0x01020304)
  chunk.slice(2, 6).slice(1, 5).setShortLE(0, 0x0a0b)
  assert.equal(slab.readUInt16LE(23), 0x0a0b)
})

test('written integers keep their low bits', () => {
  const buffer = Unpooled.buffer()
  buffer.writeByte(0x1ff).writeShort(0x12345).writeMedium(-2).writeInt(2 ** 32 + 7).writeLong(2n ** 64n + 5n)
  const read = [buffer.readByte(), buffer.readShort(), buffer.readMedium(), buffer.readInt(), buffer.readLong()]
  assert.deepEqual(read, [-1, 0x2345, -2, 7, 5n])
})

test('booleans are one byte, 1 or 0, and anything but 0 is true', () => {
  const buffer = Unpooled.buffer().writeBoolean(true).writeBoolean(false).writeByte(7).setBoolean(1, false)
  assert.deepEqual([buffer.getByte(0), buffer.readBoolean(), buffer.readBoolean(), buffer.readBoolean()], [1, true, false, true])
  assert.equal(buffer.getBoolean(2), true)
})

test('bytes are signed, or unsigned on request', () => {
  const buffer = Unpooled.buffer().writeByte(-1).writeByte(200)
  assert.deepEqual([buffer.getByte(0), buffer.getUnsignedByte(0), buffer.readUnsignedByte(), buffer.readByte()], [-1, 255, 255, -56])
})

test('Char is an unsigned UTF-16 code unit', () => {
  const buffer = Unpooled.buffer().writeChar('€'.charCodeAt(0)).writeChar(0xd83d)
  buffer.setChar(0, 0xffff)
  assert.deepEqual([buffer.getChar(0), buffer.readChar(), buffer.readChar()], [0xffff, 0xffff, 0xd83d])
})

test('writeLong takes safe integers as numbers and refuses all others before anything is written', () => {
  const buffer = Unpooled.buffer(8)
  for (const value of [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    assert.equal(buffer.clear().writeLong(value).readLong(), BigInt(value))
    assert.equal(buffer.clear().writeLongLE(value).readLongLE(), BigInt(value))
  }
  buffer.clear()
  for (const value of [0.5, 2 ** 53, Number.NaN, '1' as unknown as number]) {
    assert.throws(() => buffer.writeLong(value), IllegalArgumentError)
    assert.throws(() => buffer.setLongLE(0, value), IllegalArgumentError)
  }
  assert.equal(buffer.writerIndex, 0)
})

for (const suffix of ['', 'LE'] as const) {
  test(`readSafeLong${suffix} gives numbers up to 2^53 - 1 and beyond that an error, without moving the index`, () => {
    for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      const buffer = Unpooled.buffer()[`writeLong${suffix}`](value)
      assert.equal(buffer[`getSafeLong${suffix}`](0), value)
      assert.equal(buffer[`readSafeLong${suffix}`](), value)
      assert.equal(buffer.readerIndex, 8)
    }
    for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) {
      const buffer = Unpooled.buffer()[`writeLong${suffix}`](value)
      const expected = { name: 'UnsafeIntegerError', code: 'ERR_KNOTTY_UNSAFE_INTEGER', message: new RegExp(`value: ${value} `) }
      assert.throws(() => buffer[`readSafeLong${suffix}`](), expected)
      assert.throws(() => buffer[`getSafeLong${suffix}`](0), expected)
      assert.equal(buffer.readerIndex, 0)
    }
  })
}
