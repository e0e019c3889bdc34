import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBufUtil, Unpooled } from '@knotty/buffer'
import { IndexOutOfBoundsError } from '@knotty/common'
import * as fc from 'fast-check'

test('well-formed text comes back as it was written, in utf8 with the bytes of Buffer', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const buffer = Unpooled.buffer(0)
      const length = buffer.writeCharSequence(text)
      assert.equal(length, Buffer.byteLength(text))
      assert.equal(length, ByteBufUtil.utf8Bytes(text))
      assert.deepEqual(buffer.asBuffer(), Buffer.from(text))
      assert.equal(buffer.toString('utf8'), text)
      assert.equal(buffer.readCharSequence(length), text)
    }),
  )
})

test('a lone surrogate is written as ?', () => {
  const buffer = Unpooled.buffer()
  assert.equal(buffer.writeCharSequence('a\ud800b\udc00\ud83d\ude00'), 8)
  assert.equal(buffer.toString('utf8'), 'a?b?😀')
})

test('latin1 and ascii write one byte a character and ? for what is beyond U+00FF', () => {
  for (const encoding of ['latin1', 'ascii'] as const) {
    const buffer = Unpooled.buffer()
    assert.equal(buffer.writeCharSequence('é€\ud800', encoding), 3)
    assert.equal(buffer.toString(encoding), 'é??')
    assert.equal(buffer.readCharSequence(3, encoding), 'é??')
  }
})

test('the other encodings of Node work too', () => {
  const buffer = Unpooled.buffer(0)
  assert.equal(buffer.writeCharSequence('0aff', 'hex'), 2)
  assert.equal(buffer.writeCharSequence('hé', 'utf16le'), 4)
  assert.equal(buffer.readCharSequence(2, 'base64'), 'Cv8=')
  assert.equal(buffer.readCharSequence(4, 'utf16le'), 'hé')
})

test('a read of text checks writerIndex: bytes that were never written do not come out', () => {
  const buffer = Unpooled.buffer(16).writeBytes(Buffer.from('AB'))
  assert.throws(() => buffer.readCharSequence(4), IndexOutOfBoundsError)
  assert.equal(buffer.readerIndex, 0)
  assert.equal(buffer.getCharSequence(0, 4), 'AB\0\0')
})

test('a write of utf8 reserves three bytes a character', () => {
  assert.throws(() => Unpooled.buffer(4, 4).writeCharSequence('ab'), IndexOutOfBoundsError)
  assert.throws(() => Unpooled.buffer(4).setCharSequence(0, 'ab'), IndexOutOfBoundsError)
  assert.equal(Unpooled.buffer(6, 6).writeCharSequence('ab'), 2)
  assert.equal(Unpooled.buffer(6).setCharSequence(3, 'a'), 1)
})

test('toString without arguments describes the buffer', () => {
  const buffer = Unpooled.buffer(8, 16).writeInt(1).skipBytes(1)
  assert.equal(`${buffer}`, 'ByteBuf(ridx: 1, widx: 4, cap: 8/16)')
  assert.equal(String(buffer.slice()), 'ByteBuf(ridx: 0, widx: 3, cap: 3)')
  buffer.release()
  assert.equal(String(buffer), 'ByteBuf(released)')
})
