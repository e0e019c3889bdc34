import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { ByteToMessageDecoder } from '@knotty/codec'
import { IllegalArgumentError, IllegalStateError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import { type ChannelHandler, type ChannelHandlerContext, ChannelInputShutdownEvent, EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import { byByte, byInt, byIntWithHint, bytesOf, codesOf, decoding, TestDecoder } from './support.js'

/** Lines ending in \n; remembers how far it has looked, relative to readerIndex. */
class LineDecoder extends ByteToMessageDecoder {
  private looked = 0

  constructor(maxCumulationBytes = 1000) {
    super({ maxCumulationBytes })
  }

  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): void {
    const found = input.bytesBefore(input.readerIndex + this.looked, input.readableBytes - this.looked, 0x0a)
    if (found < 0) {
      this.looked = input.readableBytes
      return
    }
    out.push(input.readSlice(this.looked + found).toString('latin1'))
    input.skipBytes(1)
    this.looked = 0
  }
}

/** A byte with the length, then so many bytes; says what is missing, one thing at a time. */
class HintingDecoder extends ByteToMessageDecoder {
  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    const length = input.getUnsignedByte(input.readerIndex)
    const missing = 1 + length - input.readableBytes
    if (missing > 0) return missing
    input.skipBytes(1)
    out.push(input.readRetainedSlice(length))
  }
}

describe('decode is called', () => {
  test('again while it reads or adds something, and each call its messages are fired before the next', () => {
    const log: string[] = []
    const decoder = new TestDecoder((_ctx, input, out) => {
      log.push(`decode ${input.readableBytes}`)
      if (input.readUnsignedByte() !== 0) out.push('a', 'b')
    })
    const { collector, reader } = decoding(decoder)
    collector.onMessage = (_ctx, msg) => log.push(String(msg))
    reader.read(bytesOf('01 00 02'))
    assert.deepEqual(log, ['decode 3', 'a', 'b', 'decode 2', 'decode 1', 'a', 'b'])
    reader.assertReleased()
  })

  test('in place: a chunk of whole messages is not copied', () => {
    const decoder = new TestDecoder((_ctx, input, out) => void out.push(input.readRetainedSlice(4)))
    const { collector, reader } = decoding(decoder)
    for (let i = 0; i < 10; i++) reader.read(bytesOf('0000000100000002'))
    assert.equal(decoder.copiedBytes, 0)
    assert.equal(reader.moved, 10) // the frames were kept: the transport moves them, once a chunk
    assert.deepEqual(collector.takeFrames().slice(0, 2), ['00000001', '00000002'])
    reader.assertReleased()
  })

  test('with the rest and the whole next chunk when it did not say how many bytes are missing', () => {
    const decoder = new TestDecoder(byInt)
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('000000010000'))
    assert.equal(decoder.unreadBytes, 2)
    reader.read(bytesOf('00020000'))
    assert.deepEqual(decoder.calls, [6, 2, 6, 2])
    assert.deepEqual(collector.messages, [1, 2])
    assert.equal(decoder.copiedBytes, 6)
    reader.assertReleased()
  })

  test('only when the bytes that it named are there, and with no more of the next chunk than these', () => {
    const decoder = new TestDecoder(byIntWithHint)
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('00'))
    reader.read(bytesOf('00'))
    reader.read(bytesOf('00'))
    reader.read(bytesOf('01 00000002 00'))
    assert.deepEqual(decoder.calls, [1, 4, 5, 1])
    assert.deepEqual(collector.messages, [1, 2])
    assert.equal(decoder.copiedBytes, 5)
    assert.equal(decoder.unreadBytes, 1)
  })

  test('with everything when the bytes that it named were not enough and it names none', () => {
    let first = true
    const decoder = new TestDecoder((_ctx, input, out) => {
      if (first) {
        first = false
        return 1
      }
      if (input.readableBytes >= 6) out.push(input.readRetainedSlice(6))
      return undefined
    })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('01'))
    reader.read(bytesOf('02 03 04 05 06 07'))
    assert.deepEqual(decoder.calls, [1, 2, 7, 1])
    assert.deepEqual(collector.takeFrames(), ['010203040506'])
  })

  test('again after a message, whatever number came with it: return out.push(x) is no request for bytes', () => {
    const decoder = new TestDecoder((_ctx, input, out) => out.push(input.readUnsignedByte()))
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('010203'))
    assert.deepEqual(collector.messages, [1, 2, 3])
  })

  test('once a chunk with singleDecode; the rest waits for more bytes', () => {
    const decoder = new TestDecoder(byInt, { singleDecode: true })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('000000010000000200000003'))
    assert.deepEqual(collector.messages, [1])
    reader.read(bytesOf('00'))
    assert.deepEqual(collector.messages, [1, 2])
    assert.equal(decoder.unreadBytes, 5)
    reader.assertReleased()
  })

  test('never for a message that is no ByteBuf: it passes on, in order', () => {
    const { channel, collector } = decoding(new TestDecoder(byInt))
    channel.writeInbound(Unpooled.wrappedBuffer(bytesOf('0000')), 'text', Unpooled.wrappedBuffer(bytesOf('0001')))
    assert.deepEqual(collector.messages, ['text', 1])
  })
})

describe('when the input ends', () => {
  test('decodeLast gets what decode left, its messages come before channelInactive, and a read-complete in between', () => {
    const decoder = new TestDecoder(byInt, {}, (_ctx, input, out) => void out.push(`rest ${input.readableBytes}`))
    const { channel, collector, reader } = decoding(decoder)
    reader.read(bytesOf('00000001aabb'))
    collector.takeLog()
    channel.finish()
    assert.deepEqual(collector.takeLog(), ['msg rest 2', 'readComplete', 'inactive'])
    assert.equal(decoder.removals, 1)
    reader.assertReleased()
  })

  test('decodeLast is called without a byte too, and nothing is completed when nothing came out', () => {
    let calls = 0
    const { channel, collector } = decoding(new TestDecoder(byInt, {}, () => void calls++))
    channel.finish()
    assert.equal(calls, 1)
    assert.deepEqual(collector.takeLog(), ['inactive'])
  })

  test('ChannelInputShutdownEvent is an end too, and is passed on after it, even when decodeLast throws', () => {
    const decoder = new TestDecoder(byInt, { resynchronise: true }, () => {
      throw new Error('last')
    })
    const { channel, collector } = decoding(decoder)
    channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    assert.deepEqual(collector.takeLog(), ['event ChannelInputShutdownEvent', 'error DecoderError'])
  })

  test('a handler that closes the channel gets the messages of the same chunk in order before channelInactive', () => {
    const { channel, collector, reader } = decoding(new TestDecoder(byByte))
    collector.onMessage = (ctx, msg) => {
      if (msg === 1) ctx.close()
    }
    reader.read(bytesOf('010203'))
    assert.deepEqual(collector.takeLog(), ['msg 1', 'msg 2', 'msg 3', 'readComplete', 'inactive'])
    assert.equal(channel.isOpen, false)
    reader.assertReleased()
  })
})

describe('with autoRead off', () => {
  function countingReads(decoder: ChannelHandler): { reads: () => number; read: (hex: string) => void } {
    let reads = 0
    const { channel, reader } = decoding(decoder, false)
    channel.pipeline.addFirst({
      read(ctx: ChannelHandlerContext): void {
        reads++
        ctx.read()
      },
    })
    return { reads: () => reads, read: (hex) => reader.read(bytesOf(hex)) }
  }

  test('a read that gave no message asks for the next one', () => {
    const { reads, read } = countingReads(new TestDecoder(byInt))
    read('0000')
    assert.equal(reads(), 1)
    read('0001')
    assert.equal(reads(), 1)
    read('00000002')
    assert.equal(reads(), 1)
  })

  test('so does one after the final error, or the end of the connection would not be seen', () => {
    const { reads, read } = countingReads(
      new TestDecoder(() => {
        throw new Error('bad')
      }),
    )
    read('00')
    read('00')
    read('00')
    assert.equal(reads(), 3)
  })
})

describe('options', () => {
  test('a sharable decoder is refused by the constructor, one with an isSharable field by the pipeline', () => {
    class Shared extends TestDecoder {
      get isSharable(): boolean {
        return true
      }
    }
    assert.throws(() => new Shared(byInt), IllegalStateError)
    const decoder = new TestDecoder(byInt)
    Object.assign(decoder, { isSharable: true })
    assert.throws(() => {
      const channel = new EmbeddedChannel(decoder)
      channel.checkException()
    }, /cannot be sharable/)
  })

  test('they are an object, or nothing', () => {
    for (const wrong of [5, Date, null, true]) {
      assert.throws(() => new TestDecoder(byInt, wrong as never), (error: unknown) => {
        assert.ok(error instanceof IllegalArgumentError)
        assert.match(error.message, /^options: .* \(expected: super\(\{ singleDecode, maxCumulationBytes, resynchronise \}\)\)$/)
        return true
      })
    }
    assert.ok(new TestDecoder(byInt, undefined))
  })

  test('maxCumulationBytes is a positive integer', () => {
    assert.throws(() => new TestDecoder(byInt, { maxCumulationBytes: 0 }), (error: unknown) => {
      assert.ok(error instanceof IllegalArgumentError)
      assert.match(error.message, /maxCumulationBytes: 0/)
      return true
    })
  })
})

test('any bytes come out as lines within the limit, or end in its error; nothing crashes, hangs or stays referenced', () => {
  const bytes = fc.array(fc.constantFrom(0x0a, 0x41, 0xff), { maxLength: 400 }).map((values) => Buffer.from(values))
  fc.assert(
    fc.property(bytes.chain((input) => fc.tuple(fc.constant(input), chunkingOf(input))), ([input, chunks]) => {
      const decoder = new LineDecoder(12)
      const { channel, collector, reader } = decoding(decoder)
      for (const chunk of chunks) {
        reader.read(chunk)
        assert.ok(decoder.unreadBytes <= 12)
      }
      channel.finish()
      const [first, second] = codesOf(collector.errors)
      assert.ok(first === undefined || first === 'ERR_KNOTTY_CUMULATION_LIMIT')
      assert.ok(second === undefined || second === 'ERR_KNOTTY_DECODER_FAILED_BEFORE')
      assert.ok(collector.errors.length <= 2)
      assert.ok(input.toString('latin1').startsWith(collector.messages.map((line) => `${String(line)}\n`).join('')))
      reader.assertReleased()
    }),
  )
})

describe('any split of the bytes gives the same messages', () => {
  for (const autoRead of [true, false]) {
    test(`of a decoder of lines, autoRead ${autoRead}`, () => {
      const line = fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[^ -~]/g, '.'))
      const input = fc.array(line, { maxLength: 8 }).chain((lines) => {
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join('') + 'unfinished', 'latin1')
        return fc.record({ lines: fc.constant(lines), bytes: fc.constant(bytes), chunks: chunkingOf(bytes) })
      })
      fc.assert(
        fc.property(input, ({ lines, bytes, chunks }) => {
          const decoder = new LineDecoder()
          const { channel, collector, reader } = decoding(decoder, autoRead)
          for (const chunk of chunks) reader.read(chunk)
          assert.deepEqual(collector.messages, lines)
          assert.deepEqual(collector.errors, [])
          assert.ok(decoder.copiedBytes <= 3 * bytes.length)
          channel.finish()
          reader.assertReleased()
        }),
      )
    })

    test(`of a decoder that says what is missing, autoRead ${autoRead}`, () => {
      const input = fc.array(fc.uint8Array({ maxLength: 255 }), { maxLength: 8 }).chain((bodies) => {
        const bytes = Buffer.concat(bodies.map((body) => Buffer.from([body.length, ...body])))
        return fc.record({ bodies: fc.constant(bodies), bytes: fc.constant(bytes), chunks: chunkingOf(bytes) })
      })
      fc.assert(
        fc.property(input, ({ bodies, bytes, chunks }) => {
          const decoder = new HintingDecoder()
          const { channel, collector, reader } = decoding(decoder, autoRead)
          for (const chunk of chunks) reader.read(chunk)
          assert.ok(decoder.copiedBytes <= 2 * bytes.length, `${decoder.copiedBytes} of ${bytes.length}`)
          assert.equal(decoder.unreadBytes, 0)
          channel.finish()
          assert.deepEqual(collector.takeFrames(), bodies.map((body) => Buffer.from(body).toString('hex')))
          reader.assertReleased()
        }),
      )
    })
  }
})
