import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { type DecoderError, MessageToMessageDecoder, MessageToMessageEncoder } from '@knotty/codec'
import { type ChannelHandlerContext, type ChannelPromise, EmbeddedChannel } from '@knotty/transport'
import { byByte, bytesOf, codesOf, decoding, TestDecoder } from './support.js'

const MANY = 256 * 1024
const chunk = (hex: string): ByteBuf => Unpooled.wrappedBuffer(bytesOf(hex))
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

/** Everything readable becomes messages in one call, which are numbered through. */
function atOnce(): TestDecoder {
  let next = 0
  return new TestDecoder((_ctx, input, out) => {
    for (; input.isReadable; input.skipBytes(1)) out.push(next++)
  })
}

describe('many messages from one call of decode', () => {
  test('come in order, each once, in time that grows with their number only', () => {
    const { channel, collector } = decoding(atOnce())
    channel.writeInbound(Unpooled.buffer(MANY).writeZero(MANY))
    assert.deepEqual(collector.messages, numbers(0, MANY))
  })

  test('come before what was read again from inside', () => {
    const decoder = atOnce()
    const { channel, collector } = decoding(decoder)
    collector.onMessage = (_ctx, msg) => {
      if (msg === 1 || msg === 500) channel.pipeline.fireChannelRead(chunk('aabb'))
    }
    channel.writeInbound(Unpooled.buffer(1000).writeZero(1000))
    assert.deepEqual(collector.messages, numbers(0, 1004))
    assert.deepEqual(decoder.calls, [1000, 2, 2])
  })

  for (const at of [0, 1, 500, 998, 999]) {
    test(`go on behind message ${at} of 1000 when the decoder is removed there, then the unread bytes`, () => {
      const decoder = new TestDecoder((_ctx, input, out) => {
        for (let i = 0; i < 1000; i++) out.push(i)
        input.skipBytes(1)
      })
      const { channel, collector } = decoding(decoder)
      let seenInside = 0
      collector.onMessage = (_ctx, msg) => {
        if (msg !== at) return
        channel.pipeline.remove(decoder)
        seenInside = collector.messages.length
      }
      const bytes = chunk('010203')
      channel.writeInbound(bytes)
      assert.deepEqual(collector.messages.slice(0, 1000), numbers(0, 1000))
      assert.equal(seenInside, 1001)
      collector.messages.splice(0, 1000)
      assert.deepEqual(collector.takeFrames(), ['0203'])
      assert.equal(bytes.refCnt, 0)
    })

    test(`go on behind message ${at} of 1000 when the channel is closed there`, () => {
      const decoder = atOnce()
      const { channel, collector } = decoding(decoder)
      collector.onMessage = (ctx, msg) => {
        if (msg === at) ctx.close()
      }
      channel.writeInbound(Unpooled.buffer(1000).writeZero(1000))
      assert.deepEqual(collector.messages, numbers(0, 1000))
      assert.deepEqual(collector.takeLog().slice(1000), ['inactive'])
    })

    test(`go on when the next handler throws for message ${at} of 1000`, () => {
      const { channel, collector } = decoding(atOnce())
      collector.onMessage = (_ctx, msg) => {
        if (msg === at) throw new Error('boom')
      }
      channel.writeInbound(Unpooled.buffer(1000).writeZero(1000))
      assert.deepEqual(collector.messages, numbers(0, 1000))
      assert.equal(collector.errors.length, 1)
    })
  }

  test('are decoded before an error of the same call, with a removal in their middle', () => {
    const decoder = new TestDecoder((_ctx, _input, out) => {
      out.push(...numbers(0, 100))
      throw new Error('boom')
    })
    const { channel, collector } = decoding(decoder)
    collector.onMessage = (_ctx, msg) => {
      if (msg === 50) channel.pipeline.remove(decoder)
    }
    channel.writeInbound(chunk('0102'))
    assert.deepEqual(collector.messages, numbers(0, 100))
    assert.equal(collector.errors.length, 1)
  })

  test('are in order from a MessageToMessageDecoder', () => {
    class Many extends MessageToMessageDecoder {
      protected override decode(_ctx: ChannelHandlerContext, _msg: unknown, out: unknown[]): void {
        for (let i = 0; i < MANY; i++) out.push(i)
      }
    }
    const { channel, collector } = decoding(new Many())
    channel.writeInbound('all')
    assert.deepEqual(collector.messages, numbers(0, MANY))
  })

  test('are in order from a MessageToMessageEncoder, with a promise and with none', () => {
    class Many extends MessageToMessageEncoder {
      protected override encode(_ctx: ChannelHandlerContext, _msg: unknown, out: unknown[]): void {
        for (let i = 0; i < MANY / 4; i++) out.push(i)
      }
    }
    for (const withPromise of [true, false]) {
      const written: unknown[] = []
      const sink = {
        write(_ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
          written.push(msg)
          promise?.setSuccess()
        },
      }
      const channel = new EmbeddedChannel(sink, new Many())
      const future = channel.write('all', withPromise ? channel.newPromise() : null)
      assert.deepEqual(written, numbers(0, MANY / 4))
      if (withPromise) assert.equal(future?.isSuccess, true)
    }
  })
})

describe('nested reads', () => {
  test('keep their order, however many wait', () => {
    const { channel, collector } = decoding(
      new TestDecoder((_ctx, input, out) => void out.push(input.readInt())),
    )
    const nested = 200_000
    collector.onMessage = (_ctx, msg) => {
      if (msg !== 0) return
      for (let i = 1; i <= nested; i++) channel.pipeline.fireChannelRead(Unpooled.buffer(4).writeInt(i))
    }
    channel.writeInbound(chunk('00000000'))
    assert.deepEqual(collector.messages, numbers(0, nested + 1))
  })

  test('that make two more each keep their order', () => {
    const { channel, collector } = decoding(new TestDecoder((_ctx, input, out) => void out.push(input.readInt())))
    let sent = 0
    collector.onMessage = () => {
      for (let i = 0; i < 2 && sent < 20_000; i++) channel.pipeline.fireChannelRead(Unpooled.buffer(4).writeInt(++sent))
    }
    channel.writeInbound(chunk('00000000'))
    assert.deepEqual(collector.messages, numbers(0, 20_001))
  })

  test('take no more than maxCumulationBytes: then all bytes are dropped and the error is told', () => {
    const decoder = new TestDecoder(byByte, { maxCumulationBytes: 8 })
    const { channel, collector } = decoding(decoder)
    const first = chunk('0102030405')
    const waiting: ByteBuf[] = []
    const seen: number[] = []
    collector.onMessage = (_ctx, msg) => {
      if (msg !== 1) return
      for (let i = 0; i < 5; i++) {
        const next = chunk('0708')
        waiting.push(next)
        channel.pipeline.fireChannelRead(next)
        if (i === 0) channel.pipeline.fireChannelRead('text')
        seen.push(decoder.unreadBytes)
      }
    }
    channel.writeInbound(first)
    // 4 unread ones and 2 waiting, 4 and 4, and the third would make 10
    assert.deepEqual(seen, [6, 8, 0, 0, 0])
    assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_CUMULATION_LIMIT', 'ERR_KNOTTY_DECODER_FAILED_BEFORE'])
    assert.match(collector.errors[0]!.message, /maxCumulationBytes: 8 exceeded, 10 bytes are unread/)
    assert.equal((collector.errors[1] as DecoderError).cause, collector.errors[0])
    assert.deepEqual(collector.messages, [1, 'text'])
    for (const buffer of [first, ...waiting]) assert.equal(buffer.refCnt, 0)
    channel.writeInbound(chunk('09'))
    assert.deepEqual(collector.messages, [1, 'text'])
    assert.equal(collector.errors.length, 2)
  })

  test('above the limit do not lose the messages that were decoded before', () => {
    const decoder = new TestDecoder(
      (_ctx, input, out) => {
        for (let i = 0; i < 1000; i++) out.push(i)
        input.skipBytes(1)
      },
      { maxCumulationBytes: 8 },
    )
    const { channel, collector } = decoding(decoder)
    collector.onMessage = () => {
      for (let i = 0; i < 3; i++) channel.pipeline.fireChannelRead(chunk('01020304'))
    }
    channel.writeInbound(chunk('0102'))
    assert.deepEqual(collector.messages, numbers(0, 1000))
    assert.equal(codesOf(collector.errors).filter((code) => code === 'ERR_KNOTTY_CUMULATION_LIMIT').length, 1)
    assert.equal(decoder.unreadBytes, 0)
  })

  test('above the limit from inside decode leave it nothing more to read, and end decoding', () => {
    const waiting = chunk('0102030405')
    const decoder = new TestDecoder(
      (ctx, input, out) => {
        out.push(input.readUnsignedByte())
        ctx.pipeline.fireChannelRead(waiting)
      },
      { maxCumulationBytes: 6 },
    )
    const { channel, collector } = decoding(decoder)
    channel.writeInbound(chunk('0a0b0c'))
    assert.deepEqual(collector.takeLog(), ['error TooLongFrameError', 'msg 10', 'readComplete'])
    assert.equal(waiting.refCnt, 0)
    assert.deepEqual(decoder.calls, [3])
  })

  test('that wait are passed on in order when the decoder is removed', () => {
    const decoder = new TestDecoder(byByte)
    const { channel, collector } = decoding(decoder)
    collector.onMessage = (_ctx, msg) => {
      if (msg !== 1) return
      for (const hex of ['04', '05', '06']) channel.pipeline.fireChannelRead(chunk(hex))
      channel.pipeline.remove(decoder)
    }
    channel.writeInbound(chunk('010203'))
    collector.messages.shift()
    assert.deepEqual(collector.takeFrames(), ['0203', '04', '05', '06'])
    assert.equal(decoder.unreadBytes, 0)
  })
})
