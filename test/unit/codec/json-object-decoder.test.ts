import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import {
  CorruptedFrameError,
  DEFAULT_MAX_CUMULATION_BYTES,
  JsonObjectDecoder,
  type JsonObjectDecoderOptions,
  TooLongFrameError,
} from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import * as fc from 'fast-check'
import { assertBounded, byteByByte, eventsOf } from './framer-support.js'
import { decoding } from './support.js'

const hex = (text: string): string => `buf ${Buffer.from(text).toString('hex')}`

const texts = (frames: readonly string[]): string[] => frames.map((frame) => Buffer.from(frame, 'hex').toString())

/** Objects and arrays, with strings that look like JSON. */
const values = fc
  .jsonValue({ maxDepth: 3, stringUnit: fc.constantFrom('a', 'é', '{', '}', '[', ']', '"', '\\', ',', ' ') })
  .map((value): object => (typeof value === 'object' && value !== null ? value : [value]))

const streams = fc
  .array(fc.record({ value: values, before: fc.constantFrom('', ' ', '\r\n\t') }), { maxLength: 4 })
  .chain((parts) => {
    const bytes = Buffer.from(parts.map(({ value, before }) => before + JSON.stringify(value)).join(''))
    return fc.record({ values: fc.constant(parts.map(({ value }) => value)), chunks: chunkingOf(bytes) })
  })

describe('JsonObjectDecoder', () => {
  test('gives the same objects and arrays however the bytes are cut', () => {
    fc.assert(
      fc.property(streams, ({ values: all, chunks }) => {
        const expected = all.map((value) => hex(JSON.stringify(value)))
        assert.deepEqual(eventsOf(new JsonObjectDecoder(), chunks), expected)
      }),
      { numRuns: 300 },
    )
  })

  test('gives the same elements of arrays however the bytes are cut, with streamArrayElements', () => {
    fc.assert(
      fc.property(streams, ({ values: all, chunks }) => {
        const expected = all.flatMap((value) => {
          if (!Array.isArray(value)) return [hex(JSON.stringify(value))]
          return value.length === 0 ? [hex('')] : value.map((element) => hex(JSON.stringify(element)))
        })
        assert.deepEqual(eventsOf(new JsonObjectDecoder({ streamArrayElements: true }), chunks), expected)
      }),
      { numRuns: 300 },
    )
  })

  test('refuses nothing, however the bytes are cut, with a limit of the longest object and one chunk', () => {
    fc.assert(
      fc.property(streams, fc.boolean(), ({ values: all, chunks }, streamArrayElements) => {
        const longest = Math.max(0, ...all.map((value) => Buffer.byteLength(JSON.stringify(value))))
        const maxObjectLength = Math.max(1, longest + Math.max(...chunks.map(({ length }) => length)))
        const expected = eventsOf(new JsonObjectDecoder({ streamArrayElements }), [Buffer.concat(chunks)])
        assert.deepEqual(eventsOf(new JsonObjectDecoder({ maxObjectLength, streamArrayElements }), chunks), expected)
      }),
      { numRuns: 300 },
    )
  })

  test('takes any bytes without crashing or keeping more than maxObjectLength', () => {
    const bytes = fc.array(fc.constantFrom(...Buffer.from('{}[]",\\ a1')), { maxLength: 300 }).map((all) => Buffer.from([0x5b, ...all]))
    fc.assert(
      fc.property(bytes.chain(chunkingOf), fc.boolean(), (chunks, streamArrayElements) => {
        const decoder = new JsonObjectDecoder({ maxObjectLength: 20, streamArrayElements })
        assertBounded(decoder, chunks, 20)
      }),
      { numRuns: 500 },
    )
  })

  test('looks at each byte once or twice, however small the chunks', (t) => {
    let looks = 0
    const getUnsignedByte = ByteBuf.prototype.getUnsignedByte
    t.mock.method(ByteBuf.prototype, 'getUnsignedByte', function (this: ByteBuf, index: number): number {
      looks++
      return getUnsignedByte.call(this, index)
    })
    const array = Buffer.from(`[${'{"a":"\\\\\\""},'.repeat(300)}1]`)
    assert.equal(eventsOf(new JsonObjectDecoder(), byteByByte(array)).length, 1)
    assert.ok(looks <= 2 * array.length, `${looks} looks at ${array.length} bytes`)
    looks = 0
    assert.equal(eventsOf(new JsonObjectDecoder({ streamArrayElements: true }), byteByByte(array)).length, 301)
    assert.ok(looks <= 3 * array.length, `${looks} looks at ${array.length} bytes`)
  })

  test('refuses more than maxObjectLength unread bytes, drops the rest of that object, and gives the next one', () => {
    const decoder = new JsonObjectDecoder({ maxObjectLength: 16 })
    const { collector, reader } = decoding(decoder)
    reader.read(Buffer.from('{"a":"{0123'))
    reader.read(Buffer.from('4567890'))
    const [error] = collector.errors
    assert.ok(error instanceof TooLongFrameError)
    assert.match(error.message, /^maxObjectLength: 16 exceeded by 18 unread bytes - discarded$/)
    for (let i = 0; i < 100; i++) reader.read(Buffer.from('{\\"more'))
    assert.equal(decoder.unreadBytes, 0)
    reader.read(Buffer.from('"}'))
    reader.read(Buffer.from('{"b":1} {}'))
    assert.deepEqual(texts(collector.takeFrames()), ['{"b":1}', '{}'])
    assert.equal(collector.errors.length, 1)
  })

  test('drops the rest of an element that is too long, and gives the next one', () => {
    const { collector, reader } = decoding(new JsonObjectDecoder({ maxObjectLength: 16, streamArrayElements: true }))
    reader.read(Buffer.from('[1,'))
    reader.read(Buffer.from('{"a":"0123456789'))
    reader.read(Buffer.from('"'))
    reader.read(Buffer.from('},2]{}'))
    assert.deepEqual(texts(collector.takeFrames()), ['1', '2', '{}'])
    assert.deepEqual(collector.errors.map((error) => error.name), ['TooLongFrameError'])
  })

  test('takes no brace for the end of a streamed array', () => {
    assert.deepEqual(eventsOf(new JsonObjectDecoder({ streamArrayElements: true }), [Buffer.from('[1,2}'), Buffer.from('{}')]), [hex('1')])
  })

  test('gives the elements of an array that is longer than maxObjectLength', () => {
    const array = Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, index) => index)))
    assert.equal(eventsOf(new JsonObjectDecoder({ maxObjectLength: 16, streamArrayElements: true }), byteByByte(array)).length, 500)
  })

  test('refuses what is no object or array, showing its first bytes, and drops all that follows without another error', () => {
    const { collector, reader } = decoding(new JsonObjectDecoder())
    reader.read(Buffer.from('{} GET / HTTP/1.1\r\nHost'))
    const [error] = collector.errors
    assert.ok(error instanceof CorruptedFrameError)
    assert.match(error.message, /^no JSON object or array begins with 474554202f20485454502f312e310d0a… - discarding$/)
    reader.read(Buffer.from('{}'))
    assert.deepEqual(texts(collector.takeFrames()), ['{}'])
    assert.equal(collector.errors.length, 1)
    reader.assertReleased()
  })

  test('takes an object above the default of maxCumulationBytes', () => {
    const maxObjectLength = DEFAULT_MAX_CUMULATION_BYTES + 1000
    const { channel, collector } = decoding(new JsonObjectDecoder({ maxObjectLength }))
    channel.writeInbound(Unpooled.wrappedBuffer(Buffer.alloc(maxObjectLength - 1, '{"a":1').fill(' ', 6)))
    channel.writeInbound(Unpooled.wrappedBuffer(Buffer.from('}')))
    assert.deepEqual(collector.errors, [])
    assert.equal((collector.messages[0] as ByteBuf).readableBytes, maxObjectLength)
  })

  test('drops what Java calls white space between values and around elements, and no other control character', () => {
    const expected = [9, 10, 11, 12, 13, 28, 29, 30, 31, 32]
    for (const streamArrayElements of [false, true]) {
      const taken: number[] = []
      for (let byte = 0; byte <= 0x20; byte++) {
        const events = eventsOf(new JsonObjectDecoder({ streamArrayElements }), [Buffer.of(byte, 0x7b, 0x7d, byte)])
        if (events.length === 1 && events[0] === hex('{}')) taken.push(byte)
      }
      assert.deepEqual(taken, expected)
    }
    for (let byte = 0; byte <= 0x20; byte++) {
      const kept = expected.includes(byte) ? '' : String.fromCharCode(byte)
      const array = Buffer.of(0x5b, byte, 0x31, byte, 0x5d)
      assert.deepEqual(eventsOf(new JsonObjectDecoder({ streamArrayElements: true }), [array]), [hex(`${kept}1${kept}`)])
    }
  })

  test('wants a positive limit', () => {
    for (const maxObjectLength of [0, -1, 1.5]) {
      assert.throws(() => new JsonObjectDecoder({ maxObjectLength } as JsonObjectDecoderOptions), IllegalArgumentError)
    }
  })
})
