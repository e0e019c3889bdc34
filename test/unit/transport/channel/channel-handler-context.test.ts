import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { type ChannelHandler, type ChannelHandlerContext, type ChannelPromise, EmbeddedChannel } from '@knotty/transport'

/** A channel, and the context of a handler behind `outbound`. */
function contextBehind(outbound: ChannelHandler): { channel: EmbeddedChannel; ctx: ChannelHandlerContext } {
  const channel = new EmbeddedChannel(outbound)
  channel.pipeline.addLast('last', {})
  return { channel, ctx: channel.pipeline.context('last')! }
}

describe('what a context gives', () => {
  test('its channel, pipeline, handler, name, loop and allocator', () => {
    const handler = {}
    const channel = new EmbeddedChannel()
    channel.pipeline.addLast('mine', handler)
    const ctx = channel.pipeline.context('mine')!
    assert.equal(ctx.channel, channel)
    assert.equal(ctx.pipeline, channel.pipeline)
    assert.equal(ctx.handler, handler)
    assert.equal(ctx.name, 'mine')
    assert.equal(ctx.eventLoop, channel.eventLoop)
    assert.equal(ctx.alloc, channel.alloc)
    assert.equal(ctx.isRemoved, false)
  })

  test('completed futures', () => {
    const { ctx } = contextBehind({})
    const cause = new Error('no')
    assert.equal(ctx.newSucceededFuture().isSuccess, true)
    assert.equal(ctx.newFailedFuture(cause).cause, cause)
  })
})

describe('write(msg, null)', () => {
  test('returns null, and the message is sent', () => {
    const { channel, ctx } = contextBehind({})
    assert.equal(ctx.write('a', null), null)
    assert.equal(ctx.writeAndFlush('b', null), null)
    assert.equal(channel.write('c', null), null)
    assert.equal(channel.writeAndFlush('d', null), null)
    assert.deepEqual(channel.outboundMessages, ['a', 'b', 'c', 'd'])
  })

  test('handlers see the null and pass it on', () => {
    const promises: unknown[] = []
    const { channel, ctx } = contextBehind({
      write(context: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null) {
        promises.push(promise)
        context.write(msg, promise)
      },
    })
    ctx.writeAndFlush('a', null)
    assert.deepEqual(promises, [null])
    assert.deepEqual(channel.outboundMessages, ['a'])
  })

  test('an encoder that throws is told of through exceptionCaught, because nobody has the promise', () => {
    const { channel, ctx } = contextBehind({
      write(_ctx: ChannelHandlerContext) {
        throw new Error('cannot encode')
      },
    })
    ctx.write('a', null)
    assert.throws(() => channel.checkException(), { message: 'cannot encode' })
  })

  test('with a promise the throw fails that promise, and nothing else', () => {
    const { channel, ctx } = contextBehind({
      write(_ctx: ChannelHandlerContext) {
        throw new Error('cannot encode')
      },
    })
    assert.equal(ctx.write('a').cause?.message, 'cannot encode')
    channel.checkException()
  })

  test('on a closed channel nothing is fired: its end was told by channelInactive', () => {
    const { channel } = contextBehind({})
    channel.close()
    assert.equal(channel.write('a', null), null)
    channel.checkException()
  })
})

describe('an async outbound method', () => {
  test('a rejection of write fails the promise and goes to exceptionCaught of the same handler', async () => {
    const caught: string[] = []
    const { ctx } = contextBehind({
      write: async (_ctx: ChannelHandlerContext) => {
        await nextTurn()
        throw new Error('cannot encode')
      },
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void caught.push(cause.message),
    })
    const future = ctx.write('a')
    ctx.write('b', null)
    assert.equal(future.isDone, false)
    await nextTurn()
    await nextTurn()
    assert.equal(future.cause?.message, 'cannot encode')
    assert.deepEqual(caught, ['cannot encode', 'cannot encode'])
  })

  for (const name of ['bind', 'connect', 'disconnect', 'close', 'deregister'] as const) {
    test(`a rejection of ${name} fails its promise`, async () => {
      const channel = EmbeddedChannel.with(
        { hasDisconnect: true },
        { [name]: (_ctx: ChannelHandlerContext) => Promise.reject(new Error('no')), exceptionCaught: () => undefined },
      )
      const future = name === 'bind' || name === 'connect' ? channel[name](channel.localAddress) : channel[name]()
      await nextTurn()
      assert.equal(future.cause?.message, 'no')
    })
  }

  for (const name of ['read', 'flush'] as const) {
    test(`a rejection of ${name}, which has no promise, goes to exceptionCaught`, async () => {
      const caught: string[] = []
      const { channel } = contextBehind({
        [name]: (_ctx: ChannelHandlerContext) => Promise.reject(new Error('no')),
        exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void caught.push(cause.message),
      })
      caught.length = 0
      channel[name]()
      await nextTurn()
      assert.deepEqual(caught.slice(-1), ['no'])
    })
  }
})

describe('a promise that cannot belong to the operation', () => {
  const ILLEGAL = { name: 'IllegalArgumentError', code: 'ERR_KNOTTY_ILLEGAL_ARGUMENT' }

  test('of another channel', () => {
    const { ctx } = contextBehind({})
    const other = new EmbeddedChannel().newPromise()
    assert.throws(() => ctx.write('a', other), { ...ILLEGAL, message: 'promise: belongs to another channel' })
    assert.throws(() => ctx.writeAndFlush('a', other), ILLEGAL)
    assert.throws(() => ctx.close(other), ILLEGAL)
  })

  test('done already', () => {
    const { channel, ctx } = contextBehind({})
    assert.throws(() => ctx.write('a', channel.newPromise().setSuccess()), { ...ILLEGAL, message: /^promise: done already: .*success/ })
  })

  test('the closeFuture', () => {
    const { channel, ctx } = contextBehind({})
    assert.throws(() => ctx.close(channel.closeFuture as ChannelPromise), { ...ILLEGAL, message: /closeFuture is completed by/ })
  })

  for (const value of [null, 7, {}, Promise.resolve()]) {
    test(`${String(value)}`, () => {
      const { ctx } = contextBehind({})
      assert.throws(() => ctx.close(value as unknown as ChannelPromise), { ...ILLEGAL, message: /expected: one made by newPromise\(\)/ })
    })
  }

  test('the message of a write with such a promise is released', () => {
    const { channel, ctx } = contextBehind({})
    const msg = Unpooled.buffer(4)
    assert.throws(() => ctx.write(msg, channel.newPromise().setSuccess()), ILLEGAL)
    assert.equal(msg.refCnt, 0)
  })
})

describe('a cancelled promise', () => {
  test('write releases the message and does nothing', () => {
    const { channel, ctx } = contextBehind({})
    const promise = channel.newPromise()
    promise.cancel()
    const msg = Unpooled.buffer(4)
    assert.equal(ctx.write(msg, promise), promise)
    assert.equal(msg.refCnt, 0)
    ctx.flush()
    assert.deepEqual(channel.outboundMessages, [])
  })

  test('close does nothing', () => {
    const { channel, ctx } = contextBehind({})
    const promise = channel.newPromise()
    promise.cancel()
    ctx.close(promise)
    assert.equal(channel.isOpen, true)
  })
})

describe('writeAndFlush', () => {
  test('flushes also when the write threw', () => {
    const events: string[] = []
    const { ctx } = contextBehind({
      write(_ctx: ChannelHandlerContext) {
        events.push('write')
        throw new Error('no')
      },
      flush: (_ctx: ChannelHandlerContext) => void events.push('flush'),
    })
    ctx.writeAndFlush('a')
    assert.deepEqual(events, ['write', 'flush'])
  })
})
