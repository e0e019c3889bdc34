import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import { type DecoderError, MessageToMessageDecoder } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'
import { bytesOf, decoding, harmlessResults, strayResults } from './support.js'

type Body = (msg: ByteBuf, out: unknown[], ctx: ChannelHandlerContext) => unknown

class TestDecoder extends MessageToMessageDecoder<ByteBuf> {
  private readonly body: Body

  constructor(body: Body) {
    super(ByteBuf.isByteBuf)
    this.body = body
  }

  protected override decode(ctx: ChannelHandlerContext, msg: ByteBuf, out: unknown[]): void {
    return this.body(msg, out, ctx) as void
  }
}

const message = (): ByteBuf => Unpooled.wrappedBuffer(bytesOf('0102'))
const boom = new Error('boom')

describe('MessageToMessageDecoder', () => {
  test('fires what decode added, in order, releases the message and passes others on', () => {
    const { channel, collector } = decoding(new TestDecoder((msg, out) => void out.push('a', msg.readByte(), msg.readRetainedSlice(1))))
    const first = message()
    channel.writeInbound(first, 'text')
    assert.deepEqual(collector.takeLog(), ['msg a', 'msg 1', 'buf 02', 'msg text', 'readComplete'])
    assert.equal(first.refCnt, 1)
    ;(collector.messages[2] as ByteBuf).release()
    assert.equal(first.refCnt, 0)
  })

  test('tells an error after the messages added before it, and goes on with the next message', () => {
    const { channel, collector } = decoding(
      new TestDecoder((_msg, out) => {
        out.push('a')
        throw boom
      }),
    )
    const first = message()
    channel.writeInbound(first, message())
    assert.deepEqual(collector.takeLog(), ['msg a', 'error DecoderError', 'msg a', 'error DecoderError', 'readComplete'])
    assert.equal(collector.errors[0]?.cause, boom)
    assert.equal(first.refCnt, 0)
  })

  test('refuses an async decode', () => {
    const { channel, collector } = decoding(new TestDecoder(() => Promise.reject(boom)))
    channel.writeInbound(message())
    assert.equal((collector.errors[0] as DecoderError).code, 'ERR_KNOTTY_ASYNC_CODEC')
  })

  test('asks for the next read when autoRead is off and nothing came of this one', () => {
    let wanted = 0
    const { channel } = decoding(new TestDecoder((msg, out) => void (msg.readByte() > 0 && out.push('x'))), false)
    channel.pipeline.addFirst({ read: (ctx: ChannelHandlerContext) => void (wanted++, ctx.read()) })
    channel.writeInbound(Unpooled.buffer(1).writeByte(0))
    assert.equal(wanted, 1)
    channel.writeInbound(Unpooled.buffer(1).writeByte(1))
    channel.writeInbound(Unpooled.buffer(1).writeByte(0), 'passes')
    channel.flushInbound()
    assert.equal(wanted, 1)
  })

  for (const [what, type, result] of strayResults) {
    test(`refuses ${what} that is returned instead of added`, () => {
      const { channel, collector } = decoding(new TestDecoder(() => result))
      const first = message()
      channel.writeInbound(first)
      assert.equal(collector.errors[0]?.name, 'DecoderError')
      const text = `TestDecoder.decode() returned a value of type ${type}: messages go to out.push(msg)`
      assert.equal(collector.errors[0]?.message, text)
      assert.deepEqual([collector.errors.length, collector.messages.length, first.refCnt], [1, 0, 0])
    })

    test(`takes ${what} that is returned when something was added`, () => {
      const { channel, collector } = decoding(new TestDecoder((_msg, out) => (out.push('added'), result)))
      channel.writeInbound(message())
      assert.deepEqual([collector.errors, collector.messages], [[], ['added']])
    })
  }

  for (const [what, result] of harmlessResults) {
    test(`takes ${what} for no message`, () => {
      const { channel, collector } = decoding(new TestDecoder((_msg, _out, ctx) => result(ctx)))
      channel.writeInbound(message())
      assert.deepEqual([collector.errors, collector.messages], [[], []])
    })
  }
})
