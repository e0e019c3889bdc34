import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { DEFAULT_MAX_CUMULATION_BYTES, LineBasedFrameDecoder, type LineBasedFrameDecoderOptions, TooLongFrameError } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import * as fc from 'fast-check'
import { assertBounded, byteByByte, countSearched, eventsOf } from './framer-support.js'
import { codesOf, decoding } from './support.js'

const framer = (options: Partial<LineBasedFrameDecoderOptions> = {}): LineBasedFrameDecoder =>
  new LineBasedFrameDecoder({ maxLength: 8, ...options })

const textOf = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1')

/** A line and its end. A `\r` may be in it, not last: there it would belong to the end. */
const lines = fc
  .record({
    body: fc.string({ unit: fc.constantFrom('a', 'b', '\r'), maxLength: 12 }).map((body) => body.replace(/\r$/, 'x')),
    end: fc.constantFrom('\n', '\r\n'),
  })
  // the one case in which the chunks decide, as in Netty: maxLength bytes and a `\r` behind them
  .filter(({ body, end }) => body.length !== 8 || end === '\n')

describe('LineBasedFrameDecoder', () => {
  test('gives the same lines and errors however the bytes are cut', () => {
    const streams = fc.array(lines).chain((all) =>
      fc.record({
        all: fc.constant(all),
        chunks: chunkingOf(Buffer.from(all.map(({ body, end }) => body + end).join(''), 'latin1')),
        stripDelimiter: fc.boolean(),
        failFast: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(streams, ({ all, chunks, stripDelimiter, failFast }) => {
        const expected = all.map(({ body, end }) => {
          if (body.length > 8) return 'error TooLongFrameError'
          return `buf ${Buffer.from(stripDelimiter ? body : body + end, 'latin1').toString('hex')}`
        })
        assert.deepEqual(eventsOf(framer({ stripDelimiter, failFast }), chunks), expected)
      }),
      { numRuns: 300 },
    )
  })

  test('takes any bytes without crashing or keeping more than maxLength', () => {
    const bytes = fc.array(fc.constantFrom(0x0a, 0x0d, 0x61, 0xff), { maxLength: 300 }).map((values) => Buffer.from(values))
    fc.assert(
      fc.property(bytes.chain(chunkingOf), fc.boolean(), fc.boolean(), (chunks, failFast, resynchronise) => {
        assertBounded(framer({ failFast, resynchronise }), chunks, 8)
      }),
      { numRuns: 300 },
    )
  })

  test('looks at each byte once, in many chunks and in many lines of one chunk', (t) => {
    const searched = countSearched(t)
    const line = Buffer.concat([Buffer.alloc(5000, 'a'), Buffer.from('\n')])
    assert.equal(eventsOf(framer({ maxLength: 5000 }), byteByByte(line)).length, 1)
    assert.equal(searched.bytes, 5001)
    assert.equal(eventsOf(framer(), [Buffer.from('ab\n'.repeat(1000))]).length, 1000)
    assert.equal(searched.bytes, 5001 + 3000)
  })

  test('reports a line that is too long when its end has come, with limit and length, and gives the next one at once', () => {
    const { collector, reader } = decoding(framer())
    reader.read(Buffer.from('0123456789'))
    assert.equal(collector.errors.length, 0)
    reader.read(Buffer.from('ab\r\nok\n'))
    const [error] = collector.errors
    assert.ok(error instanceof TooLongFrameError)
    assert.match(error.message, /^maxLength: 8 exceeded by a line of 12 bytes - discarded$/)
    assert.deepEqual(collector.takeFrames().map(textOf), ['ok'])
  })

  test('reports it at once with failFast: true, and then no more', () => {
    const { collector, reader } = decoding(framer({ failFast: true }))
    reader.read(Buffer.from('0123456789'))
    assert.match(collector.errors[0]?.message ?? '', /^maxLength: 8 exceeded by a line of 10 bytes and more - discarding$/)
    reader.read(Buffer.from('ab\nok\n'))
    assert.equal(collector.errors.length, 1)
    assert.deepEqual(collector.takeFrames().map(textOf), ['ok'])
  })

  test('keeps nothing of what it discards', () => {
    const decoder = framer()
    const { reader } = decoding(decoder)
    for (let i = 0; i < 1000; i++) reader.read(Buffer.alloc(1000, 'a'))
    assert.equal(decoder.unreadBytes, 0)
    assert.equal(decoder.copiedBytes, 0)
  })

  test('takes a line above the default of maxCumulationBytes', () => {
    const maxLength = DEFAULT_MAX_CUMULATION_BYTES + 1000
    const { channel, collector } = decoding(framer({ maxLength }))
    channel.writeInbound(Unpooled.wrappedBuffer(Buffer.alloc(maxLength, 'a')))
    channel.writeInbound(Unpooled.wrappedBuffer(Buffer.from('\n')))
    assert.deepEqual(collector.errors, [])
    assert.equal((collector.messages[0] as ByteBuf).readableBytes, maxLength)
  })

  test('ends decoding with resynchronise: false', () => {
    const { collector, reader } = decoding(framer({ resynchronise: false }))
    reader.read(Buffer.from('0123456789\nok\n'))
    reader.read(Buffer.from('ok\n'))
    assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_TOO_LONG_FRAME', 'ERR_KNOTTY_DECODER_FAILED_BEFORE'])
    assert.deepEqual(collector.messages, [])
  })

  test('may be removed by the handler that gets its error: the bytes behind the line go on', () => {
    const { channel, collector, reader } = decoding(framer())
    collector.onError = () => void channel.pipeline.remove('decoder')
    reader.read(Buffer.from('0123456789\nok\n'))
    assert.deepEqual(collector.takeFrames().map(textOf), ['ok\n'])
    reader.assertReleased()
  })

  test('may be closed by the handler that gets its error', () => {
    const { channel, collector, reader } = decoding(framer())
    collector.onError = () => void channel.close()
    reader.read(Buffer.from('0123456789\nok\nno end'))
    assert.deepEqual(collector.takeFrames().map(textOf), ['ok'])
    assert.deepEqual(collector.errors.length, 1)
    reader.assertReleased()
  })

  test('drops what has no end when the input ends', () => {
    assert.deepEqual(eventsOf(framer(), [Buffer.from('ab\ncd')]), ['buf 6162'])
  })

  test('wants a maxLength', () => {
    for (const options of [{}, { maxLength: 0 }, undefined]) {
      assert.throws(() => new LineBasedFrameDecoder(options as LineBasedFrameDecoderOptions), IllegalArgumentError)
    }
  })
})
