import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import { EncoderError, MessageToMessageEncoder } from '@knotty/codec'
import { type ChannelHandler, type ChannelHandlerContext, type ChannelPromise, EmbeddedChannel } from '@knotty/transport'
import { bytesOf, strayResults } from './support.js'

type Body = (msg: ByteBuf, out: unknown[]) => unknown

class TestEncoder extends MessageToMessageEncoder<ByteBuf> {
  private readonly body: Body

  constructor(body: Body) {
    super(ByteBuf.isByteBuf)
    this.body = body
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: ByteBuf, out: unknown[]): void {
    return this.body(msg, out) as void
  }
}

const message = (): ByteBuf => Unpooled.wrappedBuffer(bytesOf('0102'))
const boom = new Error('boom')

describe('MessageToMessageEncoder', () => {
  test('writes one result with the promise of the message, and passes others on', () => {
    const writes: (ChannelPromise | null)[] = []
    const spy: ChannelHandler = {
      write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
        writes.push(promise)
        ctx.write(msg, promise)
      },
    }
    const channel = new EmbeddedChannel(spy, new TestEncoder((msg, out) => void out.push(msg.readableBytes)))
    const promise = channel.newPromise()
    const first = message()
    channel.writeAndFlush(first, promise)
    channel.writeAndFlush('text', null)
    assert.deepEqual(writes, [promise, null])
    assert.equal(promise.isSuccess, true)
    assert.equal(first.refCnt, 0)
    assert.deepEqual(channel.outboundMessages, [2, 'text'])
  })

  test('completes the promise when the last of several results is written', () => {
    const channel = new EmbeddedChannel(new TestEncoder((_msg, out) => void out.push('a', 'b', 'c')))
    const future = channel.write(message())
    assert.equal(future.isDone, false)
    channel.flush()
    assert.equal(future.isSuccess, true)
    assert.deepEqual(channel.outboundMessages, ['a', 'b', 'c'])
  })

  test('fails the promise when one of several results fails', () => {
    const refuse: ChannelHandler = {
      write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
        if (msg === 'b') throw boom
        ctx.write(msg, promise)
      },
    }
    const channel = new EmbeddedChannel(refuse, new TestEncoder((_msg, out) => void out.push('a', 'b', 'c')))
    const future = channel.writeAndFlush(message())
    assert.equal(future.cause, boom)
    assert.deepEqual(channel.outboundMessages, ['a', 'c'])
  })

  test('keeps a null promise null for every result', () => {
    const writes: unknown[] = []
    const spy: ChannelHandler = {
      write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
        writes.push(promise)
        ctx.write(msg, promise)
      },
    }
    const channel = new EmbeddedChannel(spy, new TestEncoder((_msg, out) => void out.push('a', 'b')))
    assert.equal(channel.write(message(), null), null)
    assert.deepEqual(writes, [null, null])
  })

  test('writes nothing of a message whose encode throws, and releases what it had added', () => {
    const added = message()
    const first = message()
    const channel = new EmbeddedChannel(
      new TestEncoder((_msg, out) => {
        out.push(added)
        throw boom
      }),
    )
    const { cause } = channel.writeAndFlush(first)
    assert.ok(cause instanceof EncoderError)
    assert.equal(cause.cause, boom)
    assert.deepEqual(channel.outboundMessages, [])
    assert.deepEqual([added.refCnt, first.refCnt], [0, 0])
  })

  test('must produce at least one message', () => {
    const first = message()
    const { cause } = new EmbeddedChannel(new TestEncoder(() => undefined)).write(first)
    assert.ok(cause instanceof EncoderError)
    assert.match(cause.message, /TestEncoder\.encode\(\) must produce at least one message/)
    assert.equal(first.refCnt, 0)
  })

  for (const [what, , result] of strayResults) {
    test(`refuses ${what} that is returned instead of added`, () => {
      const { cause } = new EmbeddedChannel(new TestEncoder(() => result)).write(message())
      assert.match(cause?.message ?? '', /must produce at least one message/)
    })
  }

  test('takes the future of another write for no Promise', () => {
    const channel = new EmbeddedChannel()
    channel.pipeline.addLast(new TestEncoder((_msg, out) => (out.push('added'), channel.newPromise())))
    assert.equal(channel.writeAndFlush(message()).isSuccess, true)
    assert.deepEqual(channel.outboundMessages, ['added'])
  })

  test('refuses an async encode and releases what it had added', () => {
    const added = message()
    const { cause } = new EmbeddedChannel(
      new TestEncoder((_msg, out) => {
        out.push(added)
        return Promise.resolve()
      }),
    ).write(message())
    assert.equal((cause as EncoderError).code, 'ERR_KNOTTY_ASYNC_CODEC')
    assert.equal(added.refCnt, 0)
  })
})
