import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { type ByteBuf, ByteProcessor, Unpooled } from '@knotty/buffer'
import { IndexOutOfBoundsError } from '@knotty/common'
import * as fc from 'fast-check'

const bytes = (text: string): ByteBuf => Unpooled.wrappedBuffer(Buffer.from(text, 'latin1'))

test('indexOf finds the first place forwards, and the last backwards', () => {
  const buffer = bytes('abcabc')
  assert.equal(buffer.indexOf(0, 6, 0x62), 1)
  assert.equal(buffer.indexOf(2, 6, 0x62), 4)
  assert.equal(buffer.indexOf(2, 4, 0x62), -1)
  assert.equal(buffer.indexOf(6, 0, 0x62), 4)
  assert.equal(buffer.indexOf(4, 0, 0x62), 1)
  assert.equal(buffer.indexOf(-5, 6, 0x61), 0)
  assert.equal(buffer.indexOf(3, 3, 0x61), -1)
  assert.throws(() => buffer.indexOf(0, 7, 0x7a), IndexOutOfBoundsError)
})

test('a search never sees bytes beyond its range, however long that is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300, max: 5 }), fc.nat(), fc.nat(), fc.nat(5), (array, a, b, value) => {
      const [from, to] = [a % (array.length + 1), b % (array.length + 1)].toSorted((x, y) => x - y) as [number, number]
      const buffer = Unpooled.copiedBuffer(array)
      const part = array.subarray(from, to)
      const first = part.indexOf(value)
      const last = part.lastIndexOf(value)
      assert.equal(buffer.bytesBefore(from, to - from, value), first)
      if (from < to) {
        assert.equal(buffer.indexOf(from, to, value), first < 0 ? -1 : from + first)
        assert.equal(buffer.indexOf(to, from, value), last < 0 ? -1 : from + last)
      }
    }),
  )
})

test('bytes to look for are given signed or unsigned', () => {
  const buffer = Unpooled.copiedBuffer(Buffer.from([1, 0xff]))
  assert.equal(buffer.bytesBefore(-1), 1)
  assert.equal(buffer.bytesBefore(255), 1)
})

test('bytesBefore looks at the readable bytes, or the next of them', () => {
  const buffer = bytes('abcabc').skipBytes(1)
  assert.equal(buffer.bytesBefore(0x61), 2)
  assert.equal(buffer.bytesBefore(2, 0x61), -1)
  assert.equal(buffer.bytesBefore(0x7a), -1)
  assert.throws(() => buffer.bytesBefore(6, 0x61), IndexOutOfBoundsError)
  assert.equal(buffer.readerIndex, 1)
})

test('forEachByte shows unsigned bytes in order and ends at the first false', () => {
  const buffer = Unpooled.copiedBuffer(Buffer.from([1, 0xfe, 3, 4])).skipBytes(1)
  const seen: number[] = []
  assert.equal(buffer.forEachByte((value) => seen.push(value) < 2), 2)
  assert.equal(buffer.forEachByteDesc((value) => seen.push(value) < 9), -1)
  assert.deepEqual(seen, [0xfe, 3, 4, 3, 0xfe])
  assert.equal(buffer.forEachByte(0, 4, () => true), -1)
  assert.throws(() => buffer.forEachByte(0, 5, () => true), IndexOutOfBoundsError)
})

test('a processor that releases the buffer gets an error, not stale bytes', () => {
  const buffer = bytes('abc')
  assert.throws(() => buffer.forEachByte(() => buffer.release()), { name: 'IllegalReferenceCountError' })
})

test('each processor stops at its bytes', () => {
  const expected = {
    FIND_NUL: '\0',
    FIND_CR: '\r',
    FIND_LF: '\n',
    FIND_CRLF: '\n\r',
    FIND_SEMI_COLON: ';',
    FIND_COMMA: ',',
    FIND_ASCII_SPACE: ' ',
    FIND_LINEAR_WHITESPACE: '\t ',
  } as const
  for (const [name, stops] of Object.entries(expected) as [keyof typeof expected, string][]) {
    const found = Array.from({ length: 256 }, (_, value) => value).filter((value) => !ByteProcessor[name](value))
    assert.equal(String.fromCharCode(...found), stops, name)
  }
  for (const name of ['NUL', 'CR', 'LF', 'CRLF', 'LINEAR_WHITESPACE'] as const) {
    for (let value = 0; value < 256; value++) {
      assert.notEqual(ByteProcessor[`FIND_${name}`](value), ByteProcessor[`FIND_NON_${name}`](value))
    }
  }
})

test('compareTo is unsigned and by content, then by length', () => {
  const order = [Buffer.from([]), Buffer.from([0]), Buffer.from([0, 0]), Buffer.from([0x7f]), Buffer.from([0x80, 1]), Buffer.from([0xff])]
  order.forEach((a, i) => {
    order.forEach((b, j) => {
      assert.equal(Math.sign(Unpooled.copiedBuffer(a).compareTo(Unpooled.copiedBuffer(b))), Math.sign(i - j))
    })
  })
})

test('equals and hashCode depend on the readable bytes only', () => {
  const a = bytes('xhello').skipBytes(1)
  const b = Unpooled.buffer(100).writeBytes(Buffer.from('hello'))
  assert.equal(a.equals(b), true)
  assert.equal(a.hashCode(), b.hashCode())
  b.setByte(4, 0)
  assert.equal(a.equals(b), false)
  assert.equal(a.equals(a.slice(0, 4)), false)
  assert.equal(Unpooled.EMPTY_BUFFER.hashCode(), 1)
})
