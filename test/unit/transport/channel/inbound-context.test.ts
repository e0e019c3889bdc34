import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

describe('an async handler method', () => {
  const inboundEvents = [
    'channelRegistered channelUnregistered channelActive channelInactive channelRead channelReadComplete userEventTriggered',
    'channelWritabilityChanged handlerAdded handlerRemoved',
  ]
  for (const event of inboundEvents.join(' ').split(' ')) {
    test(`${event}: its rejection goes to exceptionCaught of the same handler`, async () => {
      const caught: string[] = []
      const channel = new EmbeddedChannel({ exceptionCaught: () => void caught.push('the handler before') })
      channel.pipeline.addLast('failing', {
        [event]: async () => {
          await nextTurn()
          throw new Error('late')
        },
        exceptionCaught: (ctx: ChannelHandlerContext, cause: Error) => void caught.push(`${ctx.name}: ${cause.message}`),
      })
      const { pipeline } = channel
      if (event === 'channelRead') pipeline.fireChannelRead('a')
      else if (event === 'userEventTriggered') pipeline.fireUserEventTriggered('a')
      else if (event === 'handlerRemoved') pipeline.remove('failing')
      else if (event !== 'handlerAdded') {
        const method = `fire${event[0]!.toUpperCase()}${event.slice(1)}` as 'fireChannelActive'
        pipeline[method]()
      }
      assert.deepEqual(caught, [])
      await nextTurn()
      await nextTurn()
      // A removed handler is passed over: the error goes on from its place.
      if (event === 'handlerRemoved') assert.throws(() => channel.checkException(), { message: 'late' })
      else assert.deepEqual(caught, ['failing: late'])
    })
  }

  test('nobody waits for it: the next event comes at once', () => {
    const seen: unknown[] = []
    const channel = new EmbeddedChannel({
      channelRead: async (_ctx: ChannelHandlerContext, msg: unknown) => {
        seen.push(msg)
        await nextTurn()
      },
    })
    channel.writeInbound('a', 'b')
    assert.deepEqual(seen, ['a', 'b'])
  })

  test('a rejection with something that is no Error arrives as an Error', async () => {
    let caught: unknown
    const channel = new EmbeddedChannel({
      channelRead: () => Promise.reject('text'), // oxlint-disable-line prefer-promise-reject-errors
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => (caught = cause),
    })
    channel.writeInbound('a')
    await nextTurn()
    assert.ok(caught instanceof Error)
    assert.match(caught.message, /text/)
  })

  test('a rejection in exceptionCaught is logged and goes nowhere', async (t) => {
    const logs = recordLogs(t)
    const channel = new EmbeddedChannel()
    channel.pipeline.addLast('failing', { exceptionCaught: () => Promise.reject(new Error('again')) })
    channel.pipeline.fireExceptionCaught(new Error('first'))
    await nextTurn()
    channel.checkException()
    assert.match(messagesOf(logs, 'warn').join(), /^failing .* threw in exceptionCaught while handling "Error: first"$/)
  })

  test('a returned ChannelFuture is no promise: its failure is for its listeners only', async () => {
    const channel = new EmbeddedChannel({
      channelRead: (ctx: ChannelHandlerContext) => ctx.newFailedFuture(new Error('of a write')),
    })
    channel.writeInbound('a')
    await nextTurn()
    channel.checkException()
  })
})

describe('exceptions', () => {
  test('what is thrown while an exception is being handled is logged and dropped', (t) => {
    const logs = recordLogs(t)
    const channel = new EmbeddedChannel({
      exceptionCaught: (ctx: ChannelHandlerContext) => void ctx.fireUserEventTriggered('from exceptionCaught'),
    })
    channel.pipeline.addLast('failing', {
      userEventTriggered() {
        throw new Error('second')
      },
    })
    channel.pipeline.fireExceptionCaught(new Error('first'))
    channel.checkException()
    assert.match(messagesOf(logs, 'warn').join(), /^failing .* threw while an exception was being handled$/)
  })

  test('the next exception is handled as ever', () => {
    const caught: string[] = []
    const channel = new EmbeddedChannel({
      exceptionCaught(_ctx: ChannelHandlerContext, cause: Error) {
        caught.push(cause.message)
      },
      channelRead() {
        throw new Error('in channelRead')
      },
    })
    channel.pipeline.fireExceptionCaught(new Error('fired'))
    channel.writeInbound('a')
    assert.deepEqual(caught, ['fired', 'in channelRead'])
  })

  test('a thrown value that is no Error arrives as an Error', () => {
    const channel = new EmbeddedChannel({
      channelRead() {
        throw 'text' // oxlint-disable-line no-throw-literal
      },
    })
    assert.throws(() => channel.writeInbound('a'), { message: /text/ })
  })
})
