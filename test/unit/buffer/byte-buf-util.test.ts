import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBufUtil, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError, IndexOutOfBoundsError } from '@knotty/common'

const buffer = Unpooled.copiedBuffer(Buffer.from('ff68656c6c6f0a', 'hex')).skipBytes(1)

test('hexDump is that of the readable bytes, or of a range', () => {
  assert.equal(ByteBufUtil.hexDump(buffer), '68656c6c6f0a')
  assert.equal(ByteBufUtil.hexDump(buffer, 0, 2), 'ff68')
  assert.equal(ByteBufUtil.hexDump(buffer, 3, 0), '')
  assert.throws(() => ByteBufUtil.hexDump(buffer, 0, -1), IllegalArgumentError)
  assert.throws(() => ByteBufUtil.hexDump(buffer, 1, 99), IndexOutOfBoundsError)
})

test('prettyHexDump is a table of sixteen bytes a row', () => {
  const lines = ByteBufUtil.prettyHexDump(Unpooled.buffer(18).writeZero(17).writeByte(0x41)).split('\n')
  assert.equal(lines.length, 6)
  assert.equal(lines[3], `|00000000|${' 00'.repeat(16)} |${'.'.repeat(16)}|`)
  assert.equal(lines[4], `|00000010| 00 41${' '.repeat(42)} |.A${' '.repeat(14)}|`)
  assert.equal(ByteBufUtil.prettyHexDump(Unpooled.EMPTY_BUFFER), '')
})

test('the comparing functions are those of the buffers', () => {
  const other = Unpooled.copiedBuffer('hello\n')
  assert.equal(ByteBufUtil.equals(buffer, other), true)
  assert.equal(ByteBufUtil.compare(buffer, other), 0)
  assert.equal(ByteBufUtil.hashCode(buffer), other.hashCode())
})

test('indexOf finds a buffer within another, as an index of that one', () => {
  assert.equal(ByteBufUtil.indexOf(Unpooled.copiedBuffer('lo'), buffer), 4)
  assert.equal(ByteBufUtil.indexOf(Unpooled.copiedBuffer('ol'), buffer), -1)
})

test('utf8Bytes counts a lone surrogate as one byte', () => {
  assert.deepEqual(['', 'a', 'é', '€', '😀', '\ud83d', 'a\ude00b'].map(ByteBufUtil.utf8Bytes), [0, 1, 2, 3, 4, 1, 3])
})
