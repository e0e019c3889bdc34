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

function compositeOf(...parts: readonly Buffer[]): ByteBuf {
  const composite = Unpooled.compositeBuffer(parts.length)
  for (const part of parts) composite.addComponent(true, Unpooled.wrappedBuffer(part))
  return composite
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
    const cases: [Buffer[], number][] = [
      [byteByByte(Buffer.alloc(5000, 'a')), 0],
      [[Buffer.alloc(5000, ';')], 5000],
      [[Buffer.from(`${';'.repeat(5000)}END`)], 5001],
      [[Buffer.from(`${'E;'.repeat(2500)}END`)], 2501],
      [[Buffer.from(`${'EN;'.repeat(1666)}END`)], 1667],
      [byteByByte(Buffer.from(`${'EN;'.repeat(1666)}END`)), 1667],
      [byteByByte(Buffer.alloc(5000, 'E')), 0],
    ]
    for (const [index, [chunks, frames]] of cases.entries()) {
      const before = searched.bytes
      assert.equal(eventsOf(framer({ delimiters, maxFrameLength: 5000 }), chunks).length, frames)
      const bytes = searched.bytes - before
      assert.ok(bytes <= limit, `${bytes} bytes searched in 5000, case ${index}`)
    }
  })

  test('searches a flood of a delimiter\'s first byte in one go, and a composite piece by piece', (t) => {
    const searched = countSearched(t)
    const size = 64 * 1024
    const flood = Buffer.alloc(size, '\r')
    const inputs: [ByteBuf, number][] = [
      [Unpooled.wrappedBuffer(flood), 2],
      // in pieces, because they are copied: a search that ends soon would copy all the rest in vain
      [compositeOf(flood.subarray(0, 1001), flood.subarray(1001)), 1 + size / 1024],
    ]
    for (const [input, calls] of inputs) {
      const { channel } = decoding(framer({ delimiters: '\r\n\r\n', maxFrameLength: 2 * size }))
      searched.calls = 0
      channel.pipeline.fireChannelRead(input)
      assert.equal(searched.calls, calls)
      channel.finish()
    }
  })

  test('finds a delimiter in a composite wherever it lies, with its first byte before it', () => {
    for (let length = 1000; length < 1060; length++) {
      for (const texts of [[`E${'.'.repeat(length)}--`, '--EN-'], [`E${'.'.repeat(length)}`]]) {
        const bytes = Buffer.from(texts.map((text) => `${text}END`).join(''))
        for (const cut of [3, length - 1, length + 2, length + 4, bytes.length - 2]) {
          const { channel, collector } = decoding(framer({ maxFrameLength: 2000 }))
          channel.writeInbound(compositeOf(bytes.subarray(0, cut), bytes.subarray(cut)))
          const frames = collector.takeFrames().map((frame) => Buffer.from(frame, 'hex').toString())
          assert.deepEqual(frames, texts, `${length} bytes, cut at ${cut}`)
        }
      }
    }
  })

  test('may give other frames for other chunks when one delimiter stands inside another, but not when it stands at its end', () => {
    const events = (delimiters: string[], text: string): string[][] => {
      const bytes = Buffer.from(text)
      return [[bytes], byteByByte(bytes)].map((chunks) => eventsOf(framer({ delimiters }), chunks))
    }
    assert.deepEqual(events(['abcd', 'c'], 'xabcdc'), [[hex('x'), hex('')], [hex('xab'), hex('d')]])
    assert.deepEqual(events(['ab', 'abcd'], 'xabcdab'), [[hex('x'), hex('cd')], [hex('x'), hex('cd')]])
    assert.deepEqual(events(['abcd', 'ab'], 'xabcdab'), [[hex('x'), hex('')], [hex('x'), hex('cd')]])
    assert.deepEqual(events(['abcd', 'd', 'cd'], 'xabcdd'), [[hex('x'), hex('')], [hex('x'), hex('')]])
  })

  test('drops what is behind an error at the end of the input, as Netty does: then the chunks decide', () => {
    const options = { maxFrameLength: 3, delimiters: ';' }
    const outcome = (chunks: readonly Buffer[]): unknown => {
      const { channel, collector, reader } = decoding(framer(options))
      for (const chunk of chunks) reader.read(chunk)
      channel.finish()
      const frames = collector.takeFrames()
      reader.assertReleased()
      return { frames, errors: codesOf(collector.errors) }
    }
    const errors = ['ERR_KNOTTY_TOO_LONG_FRAME', 'ERR_KNOTTY_TOO_LONG_FRAME']
    const bytes = Buffer.from('aaaa;bbbb;cc;')
    assert.deepEqual(outcome([bytes]), { frames: [], errors })
    assert.deepEqual(outcome(byteByByte(bytes)), { frames: ['6363'], errors })
    assert.deepEqual(outcome([bytes.subarray(0, 5), bytes.subarray(5, 10), bytes.subarray(10)]), { frames: ['6363'], errors })
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
