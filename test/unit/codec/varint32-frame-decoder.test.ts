import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { CorruptedFrameError, TooLongFrameError, Varint32FrameDecoder, type Varint32FrameDecoderOptions } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import * as fc from 'fast-check'
import { assertBounded, eventsOf } from './framer-support.js'
import { bytesOf, codesOf, decoding } from './support.js'

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

describe('Varint32FrameDecoder', () => {
  test('gives the same messages and errors however the bytes are cut', () => {
    const bodies = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(127, 128, 300, 301, 400)), { maxLength: 6 })
    const streams = bodies.chain((lengths) => {
      const frames = lengths.map((length) => Buffer.concat([varint(length), Buffer.alloc(length, length)]))
      const bytes = Buffer.concat(frames)
      return fc.record({ lengths: fc.constant(lengths), chunks: chunkingOf(bytes) })
    })
    fc.assert(
      fc.property(streams, ({ lengths, chunks }) => {
        const expected = lengths.map((length) => {
          if (length > 300) return 'error TooLongFrameError'
          return `buf ${Buffer.alloc(length, length).toString('hex')}`
        })
        assert.deepEqual(eventsOf(new Varint32FrameDecoder({ maxFrameLength: 300 }), chunks), expected)
      }),
      { numRuns: 300 },
    )
  })

  test('takes any bytes without crashing or keeping more than they are', () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 5, 0x80, 0xff), fc.nat({ max: 255 }))
    const bytes = fc.array(byte, { maxLength: 300 }).map((values) => Buffer.from(values))
    fc.assert(
      fc.property(bytes.chain(chunkingOf), fc.boolean(), (chunks, resynchronise) => {
        const decoder = new Varint32FrameDecoder({ maxFrameLength: 100, resynchronise })
        // behind an error the rest of the chunk waits
        assertBounded(decoder, chunks, 300)
      }),
      { numRuns: 300 },
    )
  })

  test('refuses a message above maxFrameLength before a byte of it has come, and discards it', () => {
    const decoder = new Varint32FrameDecoder({ maxFrameLength: 1000 })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('e907 0000'))
    const [error] = collector.errors
    assert.ok(error instanceof TooLongFrameError)
    assert.match(error.message, /^maxFrameLength: 1000 exceeded by a message of 1001 bytes - discarding$/)
    assert.equal(decoder.unreadBytes, 0)
    for (let i = 0; i < 10; i++) reader.read(Buffer.alloc(i === 0 ? 98 : 100))
    assert.equal(decoder.copiedBytes, 0)
    reader.read(bytesOf('00 02aabb'))
    assert.deepEqual(collector.takeFrames(), ['aabb'])
    assert.equal(collector.errors.length, 1)
  })

  test('has a limit of 4 MiB by default', () => {
    const { collector, reader } = decoding(new Varint32FrameDecoder())
    reader.read(varint(4 * 1024 * 1024))
    assert.equal(collector.errors.length, 0)
    const other = decoding(new Varint32FrameDecoder())
    other.reader.read(varint(4 * 1024 * 1024 + 1))
    assert.match(other.collector.errors[0]?.message ?? '', /maxFrameLength: 4194304 .*4194305/)
  })

  test('refuses a negative length, and one of more than five bytes', () => {
    const cases: [string, RegExp][] = [
      ['ffffffff0f', /^negative length: -1$/],
      ['8080808008', /^negative length: -2147483648$/],
      ['ffffffffff', /^a varint length of more than 5 bytes$/],
    ]
    for (const [hex, message] of cases) {
      const { collector, reader } = decoding(new Varint32FrameDecoder())
      reader.read(bytesOf(`${hex} 01aa`))
      const [error] = collector.errors
      assert.ok(error instanceof CorruptedFrameError)
      assert.match(error.message, message)
      reader.read(Buffer.alloc(0))
      assert.deepEqual(collector.takeFrames(), ['aa'])
    }
  })

  test('ends decoding with resynchronise: false', () => {
    const { collector, reader } = decoding(new Varint32FrameDecoder({ maxFrameLength: 10, resynchronise: false }))
    reader.read(bytesOf('0b'))
    reader.read(bytesOf('01aa'))
    assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_TOO_LONG_FRAME', 'ERR_KNOTTY_DECODER_FAILED_BEFORE'])
  })

  test('allocates what came, not what was announced', () => {
    const decoder = new Varint32FrameDecoder({ maxFrameLength: 0x7fffffff })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('ffffffff07 aa'))
    assert.deepEqual(collector.errors, [])
    assert.equal(decoder.unreadBytes, 6)
    assert.equal(decoder.copiedBytes, 6)
  })

  test('wants a positive limit', () => {
    for (const options of [{ maxFrameLength: 0 }, { maxFrameLength: '5' }]) {
      assert.throws(() => new Varint32FrameDecoder(options as unknown as Varint32FrameDecoderOptions), IllegalArgumentError)
    }
  })
})
