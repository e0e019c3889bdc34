import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import {
  type ByteOrder,
  CorruptedFrameError,
  DecoderError,
  LengthFieldBasedFrameDecoder,
  type LengthFieldBasedFrameDecoderOptions,
  TooLongFrameError,
} from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import * as fc from 'fast-check'
import { bytesOf, codesOf, decoding } from './support.js'

const framer = (options: Partial<LengthFieldBasedFrameDecoderOptions> = {}): LengthFieldBasedFrameDecoder =>
  new LengthFieldBasedFrameDecoder({ maxFrameLength: 16, lengthFieldLength: 2, ...options })

function lengthField(value: number, length: number, order: ByteOrder): Buffer {
  const field = Buffer.from(BigInt(value).toString(16).padStart(length * 2, '0'), 'hex')
  return order === 'BE' ? field : field.reverse()
}

/** A configuration, frames of it, and what the decoder makes of each. */
const streams = fc
  .record({
    lengthFieldOffset: fc.nat({ max: 3 }),
    lengthFieldLength: fc.constantFrom(1, 2, 3, 4, 8),
    trailer: fc.nat({ max: 3 }),
    byteOrder: fc.constantFrom<ByteOrder>('BE', 'LE'),
    strip: fc.nat({ max: 4 }),
    includesAll: fc.boolean(),
    bodies: fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 }),
  })
  .chain(({ lengthFieldOffset, lengthFieldLength, trailer, byteOrder, strip, includesAll, bodies }) => {
    const end = lengthFieldOffset + lengthFieldLength
    const initialBytesToStrip = Math.min(strip, end + trailer)
    const lengthAdjustment = includesAll ? -end : trailer
    const frames = bodies.map((body) => {
      const value = includesAll ? end + trailer + body.length : body.length
      const before = Buffer.alloc(lengthFieldOffset, 0xa5)
      return Buffer.concat([before, lengthField(value, lengthFieldLength, byteOrder), Buffer.alloc(trailer, 0x5a), body])
    })
    const bytes = Buffer.concat(frames)
    const options = { maxFrameLength: 128, lengthFieldOffset, lengthFieldLength, lengthAdjustment, byteOrder, initialBytesToStrip }
    return fc.record({
      options: fc.constant(options),
      bytes: fc.constant(bytes),
      expected: fc.constant(frames.map((frame) => frame.subarray(initialBytesToStrip).toString('hex'))),
      chunks: chunkingOf(bytes),
    })
  })

describe('LengthFieldBasedFrameDecoder', () => {
  for (const autoRead of [true, false]) {
    test(`gives the same frames however the bytes are cut, autoRead ${autoRead}`, () => {
      fc.assert(
        fc.property(streams, ({ options, bytes, expected, chunks }) => {
          const decoder = new LengthFieldBasedFrameDecoder(options)
          const { channel, collector, reader } = decoding(decoder, autoRead)
          for (const chunk of chunks) reader.read(chunk)
          channel.finish()
          assert.deepEqual(collector.takeFrames(), expected)
          assert.deepEqual(collector.errors, [])
          assert.ok(decoder.copiedBytes <= 2 * bytes.length)
          reader.assertReleased()
        }),
        { numRuns: 300 },
      )
    })
  }

  test('takes any bytes without crashing, hanging or keeping more than a frame', () => {
    const options = fc.record({
      maxFrameLength: fc.integer({ min: 12, max: 200 }),
      lengthFieldOffset: fc.nat({ max: 4 }),
      lengthFieldLength: fc.constantFrom(1, 2, 3, 4, 8),
      lengthAdjustment: fc.integer({ min: -12, max: 12 }),
      initialBytesToStrip: fc.nat({ max: 12 }),
      failFast: fc.boolean(),
      byteOrder: fc.constantFrom<ByteOrder>('BE', 'LE'),
      resynchronise: fc.boolean(),
    })
    const likely = fc.array(fc.constantFrom(0, 0, 1, 3, 255), { maxLength: 600 }).map((values) => Uint8Array.from(values))
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 600 }), likely)
    fc.assert(
      fc.property(options, bytes.chain((input) => chunkingOf(Buffer.from(input))), (config, chunks) => {
        const { channel, collector, reader } = decoding(new LengthFieldBasedFrameDecoder(config))
        for (const chunk of chunks) reader.read(chunk)
        channel.finish()
        for (const frame of collector.messages as ByteBuf[]) assert.ok(frame.readableBytes <= config.maxFrameLength)
        for (const error of collector.errors) assert.ok(error instanceof DecoderError, String(error))
        if (!config.resynchronise) assert.ok(collector.errors.length <= 2)
        collector.takeFrames()
        reader.assertReleased()
      }),
      { numRuns: 500 },
    )
  })

  test('cuts frames from the chunk without copying, and from its own buffer when a chunk ends inside one', () => {
    const decoder = framer({ initialBytesToStrip: 2 })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('0001aa 0002bbcc 0003'))
    assert.equal(decoder.copiedBytes, 2)
    assert.equal(decoder.unreadBytes, 2)
    reader.read(bytesOf('ddeeff 0001aa'))
    assert.equal(decoder.copiedBytes, 5)
    assert.deepEqual(collector.takeFrames(), ['aa', 'bbcc', 'ddeeff', 'aa'])
    reader.assertReleased()
  })

  test('keeps a frame valid after the slab was overwritten and the decoder went on', () => {
    const { collector, reader } = decoding(framer())
    reader.read(bytesOf('0004 01020304 0004 0506'))
    for (let i = 0; i < 20; i++) reader.read(bytesOf('0708 0004 0506'))
    assert.equal(collector.takeFrames().every((frame) => frame === '000401020304' || frame === '000405060708'), true)
    reader.assertReleased()
  })

  test('says what is wrong with its options', () => {
    const cases: [object, RegExp][] = [
      [{ lengthFieldLength: 4 }, /maxFrameLength: undefined .*such as maxFrameLength: 1 << 20/],
      [{ maxFrameLength: 0, lengthFieldLength: 4 }, /maxFrameLength: 0/],
      [{ maxFrameLength: 8 }, /lengthFieldLength: undefined/],
      [{ maxFrameLength: 8, lengthFieldLength: 4, lengthFieldOffset: -1 }, /lengthFieldOffset: -1/],
      [{ maxFrameLength: 8, lengthFieldLength: 4, lengthFieldOffset: 5 }, /maxFrameLength: 8 .*Offset\(5\) \+ lengthFieldLength\(4\)/],
      [{ maxFrameLength: 8, lengthFieldLength: 4, initialBytesToStrip: -1 }, /initialBytesToStrip: -1/],
      [{ maxFrameLength: 8, lengthFieldLength: 4, lengthAdjustment: 0.5 }, /lengthAdjustment: 0\.5/],
      [{ maxFrameLength: 8, lengthFieldLength: 4, byteOrder: 'ME' }, /byteOrder: ME/],
    ]
    for (const [options, message] of cases) {
      assert.throws(
        () => new LengthFieldBasedFrameDecoder(options as LengthFieldBasedFrameDecoderOptions),
        (error: unknown) => {
          assert.ok(error instanceof IllegalArgumentError)
          assert.match(error.message, message)
          return true
        },
      )
    }
  })
})

describe('a frame above maxFrameLength', () => {
  test('is reported as soon as its length is known, with limit and length, and discarded without being kept', () => {
    const decoder = framer()
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('1000 0102'))
    const [error] = collector.errors
    assert.ok(error instanceof TooLongFrameError)
    assert.match(error.message, /maxFrameLength: 16 .*4098 bytes/)
    for (let i = 0; i < 1023; i++) reader.read(bytesOf('01020304'))
    assert.equal(decoder.copiedBytes, 0)
    reader.read(bytesOf('ffff 0001aa'))
    assert.deepEqual(collector.takeFrames(), ['0001aa'])
    assert.equal(collector.errors.length, 1)
    reader.assertReleased()
  })

  test('is reported when all of it has been discarded with failFast: false', () => {
    const { collector, reader } = decoding(framer({ failFast: false }))
    reader.read(bytesOf('0020 0102'))
    assert.equal(collector.errors.length, 0)
    reader.read(Buffer.alloc(30))
    assert.match(collector.errors[0]?.message ?? '', /maxFrameLength: 16 .*34 bytes/)
  })

  test('ends decoding with resynchronise: false', () => {
    const { collector, reader } = decoding(framer({ resynchronise: false }))
    reader.read(bytesOf('0020'))
    reader.read(Buffer.alloc(32))
    reader.read(bytesOf('0001aa'))
    assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_TOO_LONG_FRAME', 'ERR_KNOTTY_DECODER_FAILED_BEFORE'])
    assert.deepEqual(collector.messages, [])
  })

  test('of 2^53 bytes and more is too long like any other, up to 2^63 - 1', () => {
    for (const length of ['0020000000000000', '0020000000000001', '7ffffffffffffff0', '7fffffffffffffff']) {
      const { collector, reader } = decoding(framer({ lengthFieldLength: 8, lengthAdjustment: 5 }))
      reader.read(bytesOf(length))
      assert.ok(collector.errors[0] instanceof TooLongFrameError)
      reader.read(Buffer.alloc(1000))
      assert.equal(collector.errors.length, 1)
    }
  })

  test('is not what maxCumulationBytes is for: a frame of maxFrameLength always fits', () => {
    const maxFrameLength = 17 * 1024 * 1024
    const { collector, reader } = decoding(new LengthFieldBasedFrameDecoder({ maxFrameLength, lengthFieldLength: 4 }))
    reader.read(bytesOf((maxFrameLength - 4).toString(16).padStart(8, '0')))
    const chunk = Buffer.alloc(65536)
    for (let left = maxFrameLength - 4; left > 0; left -= chunk.length) reader.read(chunk.subarray(0, Math.min(left, chunk.length)))
    assert.deepEqual(collector.errors, [])
    assert.equal((collector.messages as ByteBuf[])[0]?.readableBytes, maxFrameLength)
  })

  test('hits maxCumulationBytes first when that is smaller', () => {
    const { collector, reader } = decoding(framer({ maxFrameLength: 1000, maxCumulationBytes: 100 }))
    reader.read(bytesOf('0100 01'))
    assert.match(collector.errors[0]?.message ?? '', /maxCumulationBytes: 100 exceeded, 3 bytes are unread, and .* waits for 255 more/)
  })
})

describe('a corrupted length', () => {
  test('is a negative one, of 8 bytes', () => {
    const { collector, reader } = decoding(framer({ lengthFieldLength: 8 }))
    reader.read(bytesOf('ffffffffffffffff'))
    const [error] = collector.errors
    assert.ok(error instanceof CorruptedFrameError)
    assert.match(error.message, /negative value of the length field: -1$/)
  })

  test('is one that the adjustment puts before the end of the length field; only the bytes up to there are skipped', () => {
    const { collector, reader } = decoding(framer({ lengthAdjustment: -2 }))
    reader.read(bytesOf('0001'))
    assert.match(collector.errors[0]?.message ?? '', /frame length 1 .*ends at 2/)
    reader.read(bytesOf('0003aa'))
    assert.deepEqual(collector.takeFrames(), ['0003aa'])
  })

  test('is a frame shorter than what is stripped; the frame is skipped, and the next one is decoded', () => {
    const { collector, reader } = decoding(framer({ initialBytesToStrip: 4 }))
    reader.read(bytesOf('0001aa'))
    assert.match(collector.errors[0]?.message ?? '', /frame length 3 .*initialBytesToStrip: 4/)
    reader.read(bytesOf('0003aabbcc'))
    reader.read(bytesOf('0003ddeeff'))
    assert.deepEqual(collector.takeFrames(), ['cc', 'ff'])
    assert.equal(collector.errors.length, 1)
    reader.assertReleased()
  })

  test('may come from an override: NaN and negative numbers', () => {
    class Odd extends LengthFieldBasedFrameDecoder {
      protected override getUnadjustedFrameLength(buffer: ByteBuf, offset: number): number {
        return buffer.getByte(offset) === 0 ? Number.NaN : -5
      }
    }
    const { collector, reader } = decoding(new Odd({ maxFrameLength: 10, lengthFieldLength: 1 }))
    reader.read(bytesOf('00'))
    reader.read(bytesOf('01'))
    assert.deepEqual(collector.errors.map((error) => error.name), ['CorruptedFrameError', 'CorruptedFrameError'])
  })
})

describe('getUnadjustedFrameLength', () => {
  test('can be overridden, for any size of the field', () => {
    class Decimal extends LengthFieldBasedFrameDecoder {
      protected override getUnadjustedFrameLength(buffer: ByteBuf, offset: number, length: number): number {
        return Number(buffer.toString(offset, length, 'latin1'))
      }
    }
    const { collector, reader } = decoding(new Decimal({ maxFrameLength: 100, lengthFieldLength: 5, initialBytesToStrip: 5 }))
    reader.read(Buffer.from('00002hi00003you', 'latin1'))
    assert.deepEqual(collector.takeFrames(), [Buffer.from('hi').toString('hex'), Buffer.from('you').toString('hex')])
  })

  test('is used for the plainest configuration too', () => {
    class Masked extends LengthFieldBasedFrameDecoder {
      protected override getUnadjustedFrameLength(buffer: ByteBuf, offset: number): number {
        return buffer.getUnsignedInt(offset) & 0xff
      }
    }
    const { collector, reader } = decoding(new Masked({ maxFrameLength: 100, lengthFieldLength: 4, initialBytesToStrip: 4 }))
    reader.read(bytesOf('ffff0002 0102'))
    assert.deepEqual(collector.takeFrames(), ['0102'])
  })

  test('not overridden, another size is a DecoderError that names the sizes', () => {
    const { collector, reader } = decoding(framer({ lengthFieldLength: 5 }))
    reader.read(bytesOf('0000000001'))
    assert.match(collector.errors[0]?.message ?? '', /lengthFieldLength: 5 .*1, 2, 3, 4 or 8/)
  })
})
