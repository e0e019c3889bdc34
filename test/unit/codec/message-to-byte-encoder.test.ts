import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import { EncoderError, MessageToByteEncoder } from '@knotty/codec'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { takeHex } from './framer-support.js'
import { bytesOf, harmlessResults, strayResults } from './support.js'

const isNumber = (msg: unknown): msg is number => typeof msg === 'number'

class NumberEncoder extends MessageToByteEncoder<number> {
  readonly buffers: ByteBuf[] = []

  constructor() {
    super(isNumber)
  }

  protected override allocateBuffer(ctx: ChannelHandlerContext, msg: number): ByteBuf {
    const buffer = super.allocateBuffer(ctx, msg)
    this.buffers.push(buffer)
    return buffer
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: number, out: ByteBuf): void {
    if (msg < 0) throw new Error('negative')
    if (msg > 0) out.writeInt(msg)
  }
}

class Forwarder extends MessageToByteEncoder<ByteBuf> {
  protected override encode(_ctx: ChannelHandlerContext, msg: ByteBuf, out: ByteBuf): void {
    out.writeBytes(msg)
  }
}

describe('MessageToByteEncoder', () => {
  test('writes the bytes with the promise of the message, and passes other messages on', () => {
    const channel = new EmbeddedChannel(new NumberEncoder())
    const future = channel.writeAndFlush(7)
    channel.writeOutbound('text')
    assert.equal(future.isSuccess, true)
    assert.equal(takeHex(channel.readOutbound<ByteBuf>()!), '00000007')
    assert.equal(channel.readOutbound(), 'text')
  })

  test('takes a class or a guard as matcher, and every message without one', () => {
    class Boxed {}
    class BoxEncoder extends MessageToByteEncoder<Boxed> {
      protected override encode(_ctx: ChannelHandlerContext, _msg: Boxed, out: ByteBuf): void {
        out.writeByte(1)
      }
    }
    const boxes = new EmbeddedChannel(new BoxEncoder(Boxed))
    boxes.writeOutbound(new Boxed(), 'text')
    assert.equal(takeHex(boxes.readOutbound<ByteBuf>()!), '01')
    assert.equal(boxes.readOutbound(), 'text')
    const channel = new EmbeddedChannel(new Forwarder(ByteBuf.isByteBuf))
    const message = Unpooled.wrappedBuffer(bytesOf('0102'))
    channel.writeOutbound(message, 'text')
    assert.equal(message.refCnt, 0)
    assert.equal(takeHex(channel.readOutbound<ByteBuf>()!), '0102')
    assert.equal(channel.readOutbound(), 'text')
    const failing = new EmbeddedChannel(new Forwarder())
    assert.ok(failing.write('text').cause instanceof EncoderError)
  })

  test('writes the empty buffer for a message without bytes, so that the promise keeps its place', () => {
    const encoder = new NumberEncoder()
    const channel = new EmbeddedChannel(encoder)
    const future = channel.writeAndFlush(0)
    assert.equal(future.isSuccess, true)
    assert.equal(channel.readOutbound(), Unpooled.EMPTY_BUFFER)
    assert.equal(encoder.buffers[0]?.refCnt, 0)
  })

  test('fails the promise with an EncoderError when encode throws, writes nothing and releases both buffers', () => {
    const encoder = new NumberEncoder()
    const channel = new EmbeddedChannel(encoder)
    const { cause } = channel.writeAndFlush(-1)
    assert.ok(cause instanceof EncoderError)
    assert.equal(cause.code, 'ERR_KNOTTY_ENCODER')
    assert.equal((cause.cause as Error).message, 'negative')
    assert.equal(encoder.buffers[0]?.refCnt, 0)
    assert.equal(channel.finish(), false)
  })

  test('reports an error to exceptionCaught when nobody watches the write', () => {
    const channel = new EmbeddedChannel(new NumberEncoder())
    channel.write(-1, null)
    assert.throws(() => channel.checkException(), EncoderError)
  })

  test('refuses an async encode', () => {
    class Async extends MessageToByteEncoder {
      protected override encode(): void {
        return Promise.reject(new Error('later')) as unknown as void
      }
    }
    const { cause } = new EmbeddedChannel(new Async()).write(1)
    assert.equal((cause as EncoderError).code, 'ERR_KNOTTY_ASYNC_CODEC')
    assert.match(cause!.message, /Async\.encode\(\) returned a Promise/)
  })

  class Returns extends MessageToByteEncoder<number> {
    private readonly result: (ctx: ChannelHandlerContext, out: ByteBuf) => unknown

    constructor(result: (ctx: ChannelHandlerContext, out: ByteBuf) => unknown) {
      super(isNumber)
      this.result = result
    }

    /** Writes as many bytes as the number says. */
    protected override encode(ctx: ChannelHandlerContext, count: number, out: ByteBuf): void {
      out.writeZero(count)
      return this.result(ctx, out) as void
    }
  }

  for (const [what, type, result] of strayResults) {
    test(`refuses ${what} that is returned instead of written, and not when something was written`, () => {
      const channel = new EmbeddedChannel(new Returns(() => result))
      const { cause } = channel.writeAndFlush(0)
      assert.ok(cause instanceof EncoderError)
      const text = `Returns.encode() wrote nothing and returned a value of type ${type}: bytes go to out, out.writeBytes(…)`
      assert.equal(cause.message, text)
      assert.deepEqual(channel.outboundMessages, [])
      assert.equal(channel.writeAndFlush(1).isSuccess, true)
      channel.finishAndReleaseAll()
    })
  }

  for (const [what, result] of [...harmlessResults, ['the buffer', (_ctx: unknown, out: ByteBuf): unknown => out]] as const) {
    test(`takes ${what} for no bytes`, () => {
      const channel = new EmbeddedChannel(new Returns(result))
      assert.equal(channel.writeAndFlush(0).cause, undefined)
      assert.equal(channel.outboundMessages.at(-1), Unpooled.EMPTY_BUFFER)
    })
  }
})
