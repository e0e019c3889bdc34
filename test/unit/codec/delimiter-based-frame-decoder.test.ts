import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { DelimiterBasedFrameDecoder, type DelimiterBasedFrameDecoderOptions, Delimiters, TooLongFrameError } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import * as fc from 'fast-check'
import { assertBounded, byteByByte, countSearched, eventsOf } from './framer-support.js'
import { codesOf, decoding } from './support.js'

const MAX = 12
const DELIMITERS = ['END', ';;']

const framer = (options: Partial<DelimiterBasedFrameDecoderOptions> = {}): DelimiterBasedFrameDecoder =>
  new DelimiterBasedFrameDecoder({ maxFrameLength: MAX, delimiters: DELIMITERS, ...options })

const hex = (text: string): string => `buf ${Buffer.from(text, 'latin1').toString('hex')}`

/** The frames of a text, without their delimiters, and what is behind the last delimiter. */
function split(text: string): { frames: string[]; rest: string } {
  const frames = text.split(/END|;;/)
  return { frames, rest: frames.pop()! }
}

describe('DelimiterBasedFrameDecoder', () => {
  test('gives the same frames and errors however the bytes are cut', () => {
    const texts = fc
      .array(fc.constantFrom('E', 'N', 'D', ';', 'END', ';;', 'ab', 'abcdefghij', 'abcdefghijkl', 'abcdefghijklmn'), { maxLength: 40 })
      .map((parts) => parts.join(''))
    const streams = texts.chain((text) =>
      fc.record({ text: fc.constant(text), chunks: chunkingOf(Buffer.from(text)), failFast: fc.boolean() }),
    )
    fc.assert(
      fc.property(streams, ({ text, chunks, failFast }) => {
        const { frames, rest } = split(text)
        const expected = frames.map((frame) => (frame.length > MAX ? 'error TooLongFrameError' : hex(frame)))
        if (failFast && rest.replace(/(E|EN|;)$/, '').length > MAX) expected.push('error TooLongFrameError')
        assert.deepEqual(eventsOf(framer({ failFast }), chunks), expected)
      }),
      { numRuns: 500 },
    )
  })

  test('takes a frame of maxFrameLength bytes although its delimiter comes byte by byte', () => {
    for (const delimiters of ['--boundary--', ['--boundary--', 'END'], [';', '-|']]) {
      const [first = ''] = [delimiters].flat()
      const input = Buffer.from(`0123456789ab${first}-${first}`)
      const expected = eventsOf(framer({ delimiters }), [input])
      assert.deepEqual(expected, [hex('0123456789ab'), hex('-')])
      assert.deepEqual(eventsOf(framer({ delimiters }), byteByByte(input)), expected)
    }
  })

  test('refuses a longer one as soon as what is there cannot be the beginning of a delimiter', () => {
    const { collector, reader } = decoding(framer())
    reader.read(Buffer.from('0123456789abEN'))
    assert.equal(collector.errors.length, 0)
    reader.read(Buffer.from('E'))
    assert.match(collector.errors[0]?.message ?? '', /^maxFrameLength: 12 exceeded by a frame of 14 bytes and more - discarding$/)
    reader.read(Buffer.from('ND'))
    reader.read(Buffer.from('ok;;'))
    assert.equal(collector.errors.length, 1)
    assert.deepEqual(collector.takeFrames(), ['6f6b'])
  })

  test('takes any bytes without crashing or keeping more than maxFrameLength', () => {
    const bytes = fc.array(fc.constantFrom(...Buffer.from('END;\r\na')), { maxLength: 300 }).map((values) => Buffer.from(values))
    type Choice = DelimiterBasedFrameDecoderOptions['delimiters']
    const delimiters = fc.constantFrom<Choice>(DELIMITERS, '\n', Delimiters.lineDelimiter(), ['E', 'END'])
    fc.assert(
      fc.property(bytes.chain(chunkingOf), fc.boolean(), fc.boolean(), delimiters, (chunks, failFast, resynchronise, list) => {
        const decoder = framer({ failFast, resynchronise, delimiters: list })
        // behind an error that is thrown the rest of the chunk waits
        assertBounded(decoder, chunks, 300)
      }),
      { numRuns: 300 },
    )
  })

  test('looks at each byte once for each byte of a delimiter, in many chunks and in many frames of one chunk', (t) => {
    const searched = countSearched(t)
    const delimiters = [';', '|', 'END']
    const limit = 5 * 5000 + 10
    assert.equal(eventsOf(framer({ delimiters, maxFrameLength: 5000 }), byteByByte(Buffer.alloc(5000, 'a'))).length, 0)
    const first = searched()
    assert.ok(first <= limit, `${first} bytes searched in 5000`)
    assert.equal(eventsOf(framer({ delimiters }), [Buffer.alloc(5000, ';')]).length, 5000)
    const second = searched() - first
    assert.ok(second <= limit, `${second} bytes searched in 5000`)
    assert.equal(eventsOf(framer({ delimiters }), [Buffer.from(`${';'.repeat(5000)}END`)]).length, 5001)
    const third = searched() - second - first
    assert.ok(third <= limit, `${third} bytes searched in 5003`)
  })

  test('takes delimiters as text, bytes and ByteBuf, one or several, and copies them', () => {
    const bytes = Buffer.from('|')
    for (const delimiters of ['|', bytes, Unpooled.wrappedBuffer(Buffer.from('|')), ['--', bytes]]) {
      const decoder = framer({ delimiters })
      bytes.fill('x')
      assert.deepEqual(eventsOf(decoder, [Buffer.from('ab|cx|')]), [hex('ab'), hex('cx')])
      bytes.fill('|')
    }
  })

  test('ends a frame with the delimiter that makes it shortest, and among those with the first of the list', () => {
    const input = [Buffer.from('a,,b;c,d,,;')]
    const options = { delimiters: [',,', ';', ','], stripDelimiter: false }
    assert.deepEqual(eventsOf(framer(options), input), ['a,,', 'b;', 'c,', 'd,,', ';'].map(hex))
  })

  test('does with line delimiters what a LineBasedFrameDecoder does: errors are fired, and the next line comes at once', () => {
    const { collector, reader } = decoding(framer({ delimiters: Delimiters.lineDelimiter() }))
    reader.read(Buffer.from('0123456789abcdef\r\nok\r\n\n'))
    assert.match(collector.errors[0]?.message ?? '', /^maxFrameLength: 12 exceeded by a line of 16 bytes - discarded$/)
    assert.deepEqual(collector.takeFrames(), ['6f6b', ''])
  })

  test('reports a frame that is too long as soon as it is known, with limit and length, and then no more', () => {
    const { collector, reader } = decoding(framer())
    reader.read(Buffer.from('0123456789abcdef'))
    const [error] = collector.errors
    assert.ok(error instanceof TooLongFrameError)
    assert.match(error.message, /^maxFrameLength: 12 exceeded by a frame of 16 bytes and more - discarding$/)
    reader.read(Buffer.from('ghiENDok;;'))
    assert.equal(collector.errors.length, 1)
    assert.deepEqual(collector.takeFrames(), ['6f6b'])
  })

  test('reports it when the delimiter has come with failFast: false', () => {
    const { collector, reader } = decoding(framer({ failFast: false }))
    reader.read(Buffer.from('0123456789abcdef'))
    assert.equal(collector.errors.length, 0)
    reader.read(Buffer.from('ghiEND'))
    assert.match(collector.errors[0]?.message ?? '', /^maxFrameLength: 12 exceeded by a frame of 19 bytes - discarded$/)
  })

  test('finds a delimiter that is cut by chunks while it discards, and keeps no more than a part of one', () => {
    const decoder = framer()
    const { collector, reader } = decoding(decoder)
    for (let i = 0; i < 1000; i++) {
      reader.read(Buffer.alloc(100, 'E'))
      assert.ok(decoder.unreadBytes <= 2)
    }
    for (const part of ['N', 'D', 'ok', ';', ';']) reader.read(Buffer.from(part))
    assert.equal(collector.errors.length, 1)
    assert.deepEqual(collector.takeFrames(), ['6f6b'])
    reader.assertReleased()
  })

  test('discards with a delimiter longer than the limit too', () => {
    const { collector, reader } = decoding(framer({ maxFrameLength: 2, delimiters: '--boundary--' }))
    for (const byte of byteByByte(Buffer.from('abcdef--boundary--ok--boundary--'))) reader.read(byte)
    assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_TOO_LONG_FRAME'])
    assert.deepEqual(collector.takeFrames(), ['6f6b'])
  })

  test('takes a frame above the default of maxCumulationBytes, with a part of its delimiter behind it', () => {
    const maxFrameLength = 17 * 1024 * 1024
    const { collector, reader } = decoding(framer({ maxFrameLength }))
    const chunk = Buffer.alloc(65536)
    for (let left = maxFrameLength; left > 0; left -= chunk.length) reader.read(chunk)
    for (const byte of byteByByte(Buffer.from('END'))) reader.read(byte)
    assert.equal(collector.errors.length, 0)
    assert.equal((collector.messages[0] as ByteBuf).readableBytes, maxFrameLength)
  })

  test('ends decoding with resynchronise: false', () => {
    const { collector, reader } = decoding(framer({ resynchronise: false }))
    reader.read(Buffer.from('0123456789abcdef;;ok;;'))
    reader.read(Buffer.from('ok;;'))
    assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_TOO_LONG_FRAME', 'ERR_KNOTTY_DECODER_FAILED_BEFORE'])
    assert.deepEqual(collector.messages, [])
  })

  test('says what is wrong with its options', () => {
    const cases: [object, RegExp][] = [
      [{ delimiters: ';' }, /maxFrameLength: undefined/],
      [{ maxFrameLength: 8 }, /delimiters\[0\]: undefined/],
      [{ maxFrameLength: 8, delimiters: [] }, /delimiters: none/],
      [{ maxFrameLength: 8, delimiters: [';', ''] }, /delimiters\[1\]: empty/],
      [{ maxFrameLength: 8, delimiters: [10] }, /delimiters\[0\]: number/],
    ]
    for (const [options, message] of cases) {
      assert.throws(() => new DelimiterBasedFrameDecoder(options as DelimiterBasedFrameDecoderOptions), (error: unknown) => {
        assert.ok(error instanceof IllegalArgumentError)
        assert.match(error.message, message)
        return true
      })
    }
  })
})

describe('Delimiters', () => {
  test('are the two ends of a line, and the byte 0', () => {
    assert.deepEqual(Delimiters.lineDelimiter(), [Buffer.from('\r\n'), Buffer.from('\n')])
    assert.deepEqual(Delimiters.nulDelimiter(), [Buffer.of(0)])
  })
})
