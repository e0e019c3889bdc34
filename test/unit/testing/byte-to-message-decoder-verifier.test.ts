import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { CorruptedFrameError, DecoderError, LengthFieldBasedFrameDecoder, MessageToMessageDecoder, TooLongFrameError } from '@knotty/codec'
import { ByteToMessageDecoderVerifier, type DecoderCase } from '@knotty/testing'
import type { ChannelHandler, ChannelHandlerContext } from '@knotty/transport'
import { ABC, bytes, type Decode, failureOf, framed, FunctionDecoder, verifier } from './verifier-support.js'

describe('a decoder that is right', () => {
  test('passes with messages, left-overs and several cases', () => {
    verifier(framed).verify([
      ABC,
      { input: bytes('00 01ff 0102'), messages: [bytes(''), Unpooled.wrappedBuffer(bytes('ff')), bytes('02')] },
      { input: bytes('02 6162 03 61'), messages: [bytes('6162')], leftOver: bytes('03 61') },
      { input: bytes(''), messages: [] },
    ])
  })

  test('passes when its errors and the messages before them are as expected', () => {
    const options = { maxFrameLength: 8, lengthFieldLength: 2, lengthAdjustment: -2 }
    const newDecoder = (): ChannelHandler => new LengthFieldBasedFrameDecoder(options)
    new ByteToMessageDecoderVerifier(newDecoder).verify([
      { name: 'good', input: bytes('0003 61'), messages: [bytes('0003 61')] },
      { name: 'long', input: bytes('0003 61 0fff 00'), messages: [bytes('0003 61')], errors: [TooLongFrameError] },
      { name: 'corrupted', input: bytes('0001'), messages: [], errors: ['ERR_KNOTTY_CORRUPTED_FRAME'] },
      { name: 'corrupted, by class', input: bytes('0000'), messages: [], errors: [CorruptedFrameError] },
    ])
  })

  test('passes with the messages behind an error that is thrown, which wait for the next read', () => {
    const newDecoder = (): ChannelHandler => new LengthFieldBasedFrameDecoder({ maxFrameLength: 4, lengthFieldLength: 1 })
    new ByteToMessageDecoderVerifier(newDecoder).verify([
      {
        input: bytes('0161 05ffffffffff 0162 06ffffffffffff 0163 01'),
        messages: [bytes('0161'), bytes('0162'), bytes('0163')],
        errors: [TooLongFrameError, TooLongFrameError],
        leftOver: bytes('01'),
      },
    ])
  })

  test('passes with what comes when the channel closes', () => {
    class Rest extends FunctionDecoder {
      protected override decodeLast(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): void {
        if (!input.isReadable) return
        out.push(`unfinished: ${input.readSlice(input.readableBytes).toString('hex')}`)
        throw new DecoderError('cut off')
      }
    }
    new ByteToMessageDecoderVerifier(() => new Rest(framed)).verify([
      ABC,
      {
        input: bytes('0161 05ff'),
        messages: [bytes('61')],
        leftOver: bytes('05ff'),
        atClose: { messages: ['unfinished: 05ff'], errors: [DecoderError] },
      },
    ])
  })

  test('may be several handlers in a row, and its messages objects that hold buffers', () => {
    class Wrap extends MessageToMessageDecoder<ByteBuf> {
      protected override decode(_ctx: ChannelHandlerContext, msg: ByteBuf, out: unknown[]): void {
        out.push({ at: new Date(5), parts: new Map([['body', [1, 2n]]]), body: msg.retain() })
      }
    }
    new ByteToMessageDecoderVerifier(() => [new FunctionDecoder(framed), new Wrap()]).verify([
      {
        input: bytes('0161 02'),
        messages: [{ at: new Date(5), parts: new Map([['body', [1, 2n]]]), body: bytes('61') }],
        leftOver: bytes('02'),
      },
    ])
  })

  test('leaves the buffers of the cases alone', () => {
    const expected = Unpooled.wrappedBuffer(bytes('616263'))
    verifier(framed).verify([{ input: ABC.input, messages: [expected] }])
    assert.equal(expected.refCnt, 1)
    assert.equal(expected.readableBytes, 3)
  })
})

describe('a decoder fails the verification that', () => {
  test('takes the bytes at hand for all there are: a split is named with its chunks', () => {
    const error = failureOf(() => {
      verifier((_ctx, input, out) => {
        if (input.readableBytes < 2) return
        out.push(input.readRetainedSlice(input.readableBytes))
      }).verify([{ name: 'abc', input: bytes('616263'), messages: [bytes('616263')] }])
    })
    assert.equal(error.reason, 'messages')
    assert.equal(error.caseName, 'abc')
    assert.match(error.message, /^abc, fed byte by byte, then closed: wrong messages/)
    assert.deepEqual(error.chunks, ['61', '62', '63'])
    assert.match(error.message, /chunks {3}\[61 \| 62 \| 63\]\n {2}expected \[ <616263> \]\n {2}actual {3}\[ <6162> \]/)
  })

  test('is wrong at one split alone', () => {
    const chunks: number[] = []
    const error = failureOf(() => {
      verifier((_ctx, input, out) => {
        chunks.push(input.readableBytes)
        if (input.readableBytes === 2 && chunks.at(-2) !== 1) input.skipBytes(1) // forgets a byte after a chunk of two
        if (input.readableBytes >= 4) out.push(input.readInt())
      }).verify([{ input: bytes('00000001'), messages: [1] }])
    })
    assert.match(error.feed, /^split at 2/)
    assert.deepEqual(error.chunks, ['0000', '0001'])
  })

  test('emits a message twice', () => {
    const error = failureOf(() => {
      verifier((_ctx, input, out) => {
        const value = input.readUnsignedByte()
        out.push(value, value)
      }).verify([{ input: bytes('07'), messages: [7] }])
    })
    assert.equal(error.reason, 'messages')
    assert.deepEqual(error.expected, [7])
    assert.deepEqual(error.actual, [7, 7])
  })

  test('emits a buffer twice without retaining it', () => {
    const error = failureOf(() => {
      verifier((_ctx, input, out) => {
        const one = input.readRetainedSlice(1)
        out.push(one, one)
      }).verify([{ input: bytes('07'), messages: [bytes('07'), bytes('07')] }])
    })
    assert.equal(error.reason, 'release')
  })

  test('is wrong behind many messages: the first difference is shown', () => {
    const input = Buffer.from(Array.from({ length: 100 }, (_, index) => index))
    const error = failureOf(() => {
      verifier((_ctx, input, out) => {
        const value = input.readUnsignedByte()
        out.push(value === 70 ? 'seventy' : value)
      }).verify([{ input, messages: [...input] }])
    })
    assert.match(error.message, /the first 65 are the same; behind them\n {2}expected \[\s+65, 66, 67, 68, 69, 70,/)
    assert.match(error.message, /actual {3}\[\s+65,\s+66,\s+67,\s+68,\s+69,\s+'seventy',/)
    assert.equal((error.actual as unknown[]).length, 100)
  })

  test('holds its bytes although they make a message', () => {
    const error = failureOf(() => {
      verifier((_ctx, input, out) => {
        if (input.readableBytes > 1) out.push(input.readUnsignedByte())
      }).verify([{ input: bytes('0102'), messages: [1, 2] }])
    })
    assert.match(error.message, /expected \[ 1, 2 \]\n {2}actual {3}\[ 1 \]/)
  })

  test('keeps a reference to a chunk', () => {
    const kept: ByteBuf[] = []
    const error = failureOf(() => {
      verifier((_ctx, input, out) => {
        kept.push(input.readRetainedSlice(1))
        out.push(kept.length > 0)
      }).verify([{ input: bytes('01'), messages: [true] }])
    })
    assert.equal(error.reason, 'release')
    assert.match(error.message, /chunk 0 still has a reference count of 1 /)
  })

  test('gives out memory of the chunk without a reference', () => {
    const error = failureOf(() => {
      const unsafe: Decode = (_ctx, input, out) => void out.push(input.readSlice(1).unsafeBuffer())
      verifier(unsafe).verify([{ input: bytes('01'), messages: [bytes('01')] }])
    })
    assert.deepEqual(String((error.actual as { hex: string }[])[0]?.hex), 'dd')
  })

  test('throws where no error is expected, or another one', () => {
    const failing = verifier(() => {
      throw new CorruptedFrameError('no frame')
    })
    const error = failureOf(() => failing.verify([{ input: bytes('01'), messages: [] }]))
    assert.equal(error.reason, 'errors')
    assert.ok(error.cause instanceof CorruptedFrameError)
    assert.deepEqual(error.actual, ['CorruptedFrameError (ERR_KNOTTY_CORRUPTED_FRAME): no frame'])
    assert.equal(failureOf(() => failing.verify([{ input: bytes('01'), messages: [], errors: [TooLongFrameError] }])).reason, 'errors')
    const silent = failureOf(() => verifier(framed).verify([{ ...ABC, errors: [DecoderError] }]))
    assert.deepEqual(silent.expected, ['DecoderError'])
    assert.deepEqual(silent.actual, [])
  })

  test('gives its messages before or behind an error as the chunks fall', () => {
    /** A message for each byte, but an error for 0; the messages go on when the read is over. */
    class Late implements ChannelHandler {
      private readonly waiting: number[] = []

      channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
        for (const byte of (msg as ByteBuf).unsafeBuffer()) {
          if (byte === 0) ctx.fireExceptionCaught(new CorruptedFrameError('zero'))
          else this.waiting.push(byte)
        }
        ;(msg as ByteBuf).release()
      }

      channelReadComplete(ctx: ChannelHandlerContext): void {
        for (const byte of this.waiting.splice(0)) ctx.fireChannelRead(byte)
        ctx.fireChannelReadComplete()
        if (!ctx.channel.config.autoRead) ctx.read()
      }
    }
    const late = new ByteToMessageDecoderVerifier(() => new Late())
    const error = failureOf(() => late.verify([{ input: bytes('01 00 02'), messages: [1, 2], errors: [CorruptedFrameError] }]))
    assert.equal(error.reason, 'order')
    assert.match(error.feed, /^byte by byte/)
    const zero = 'CorruptedFrameError (ERR_KNOTTY_CORRUPTED_FRAME)'
    assert.deepEqual(error.expected, [zero, 1, 2])
    assert.deepEqual(error.actual, [1, zero, 2])
  })

  test('hands on other bytes than those that are given behind an error', () => {
    const newDecoder = (): ChannelHandler => new LengthFieldBasedFrameDecoder({ maxFrameLength: 4, lengthFieldLength: 1 })
    const wrong: DecoderCase = { input: bytes('05ffffffffff 0163 01'), messages: [bytes('0163')], errors: [TooLongFrameError], leftOver: bytes('') }
    assert.equal(failureOf(() => new ByteToMessageDecoderVerifier(newDecoder).verify([wrong])).reason, 'left-over')
  })

  test('throws without end behind an error', () => {
    class Stuck extends FunctionDecoder {
      constructor() {
        super(() => {
          throw new CorruptedFrameError('stuck')
        }, true)
      }
    }
    const error = failureOf(() => {
      new ByteToMessageDecoderVerifier(() => new Stuck()).verify([{ input: bytes('01'), messages: [], errors: [CorruptedFrameError] }])
    })
    assert.equal(error.reason, 'errors')
  })

  test('hands on other bytes when it is removed, or at the end makes messages nobody expects', () => {
    const left = failureOf(() => verifier(framed).verify([{ input: bytes('0361'), messages: [] }]))
    assert.equal(left.reason, 'left-over')
    assert.match(left.feed, /whole, AUTO_READ off, then removed/)
    assert.match(left.message, /expected <>\n {2}actual {3}<0361>/)
    class Hasty extends FunctionDecoder {
      protected override decodeLast(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): void {
        if (input.isReadable) out.push(input.readRetainedSlice(input.readableBytes))
      }
    }
    const hasty = new ByteToMessageDecoderVerifier(() => new Hasty(framed))
    const atEnd = failureOf(() => hasty.verify([{ input: bytes('0361'), messages: [], leftOver: bytes('0361') }]))
    assert.match(atEnd.message, /wrong messages with the channel closed/)
  })

  test('fails before it has read anything: the error is named with its case', () => {
    class Broken extends FunctionDecoder {
      override handlerAdded(): void {
        throw new Error('not today')
      }
    }
    const failure = failureOf(() => new ByteToMessageDecoderVerifier(() => new Broken(framed)).verify([{ ...ABC, name: 'abc' }]))
    assert.match(failure.message, /abc/)
    assert.match(String(failure.cause), /not today/)
  })

  test('keeps the state of one message for the next', () => {
    let seen = 0
    const once = (): ChannelHandler => {
      seen = 0
      return new FunctionDecoder((_ctx, input, out) => void out.push(input.readUnsignedByte() + 100 * seen++))
    }
    const cases = [{ input: bytes('01'), messages: [1] }]
    assert.match(failureOf(() => new ByteToMessageDecoderVerifier(once).verify(cases)).message, /^all complete cases together, fed whole/)
    new ByteToMessageDecoderVerifier(once, { repeats: 0 }).verify(cases)
  })

  test('does not ask for the next read with AUTO_READ off', () => {
    class Silent implements ChannelHandler {
      private rest = ''

      channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
        this.rest += (msg as ByteBuf).toString('latin1')
        ;(msg as ByteBuf).release()
        if (!this.rest.endsWith('\n')) return
        ctx.fireChannelRead(this.rest)
        this.rest = ''
      }
    }
    const silent = new ByteToMessageDecoderVerifier(() => new Silent())
    const error = failureOf(() => silent.verify([{ input: bytes('610a'), messages: ['a\n'] }]))
    assert.equal(error.reason, 'read')
    assert.deepEqual(error.chunks, ['61', '0a'])
  })
})
