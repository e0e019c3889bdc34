import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { messagesOf, recordLogs } from '../channel/recorded-logs.js'

describe('inbound', () => {
  test('writeInbound fires channelRead for each message and one channelReadComplete', () => {
    const log: unknown[] = []
    const channel = new EmbeddedChannel({
      channelRead(ctx: ChannelHandlerContext, msg: unknown) {
        log.push(msg)
        ctx.fireChannelRead(msg)
      },
      channelReadComplete: () => void log.push('complete'),
    })
    assert.equal(channel.writeInbound('a', 'b'), true)
    assert.deepEqual(log, ['a', 'b', 'complete'])
    assert.deepEqual([channel.readInbound(), channel.readInbound(), channel.readInbound()], ['a', 'b', undefined])
  })

  test('writeInbound of nothing does nothing', () => {
    const log: unknown[] = []
    const channel = new EmbeddedChannel({ channelReadComplete: () => void log.push('complete') })
    assert.equal(channel.writeInbound(), false)
    assert.deepEqual(log, [])
  })

  test('writeOneInbound fires no channelReadComplete; flushInbound does', () => {
    let completes = 0
    const channel = new EmbeddedChannel({ channelReadComplete: () => void completes++ })
    channel.writeOneInbound('a')
    assert.equal(completes, 0)
    channel.flushInbound()
    assert.deepEqual([completes, channel.inboundMessages], [1, ['a']])
  })

  test('an exception that reaches the tail is thrown to the caller; a second one is only logged', (t) => {
    const logs = recordLogs(t)
    const channel = new EmbeddedChannel({
      channelRead(_ctx: ChannelHandlerContext, msg: unknown) {
        throw new Error(String(msg))
      },
    })
    assert.throws(() => channel.writeInbound('first', 'second'), { message: 'first' })
    channel.checkException()
    assert.match(String(logs[0]?.error), /second/)
    assert.equal(messagesOf(logs, 'warn').length, 1)
    assert.equal(channel.isOpen, true)
  })

  test('with closeOnUncaught it also closes', () => {
    const channel = new EmbeddedChannel()
    channel.pipeline.closeOnUncaught = true
    channel.pipeline.fireExceptionCaught(new Error('bug'))
    assert.equal(channel.isOpen, false)
    assert.throws(() => channel.checkException(), { message: 'bug' })
  })
})

describe('outbound', () => {
  test('writeOutbound writes each message and flushes once', () => {
    let flushes = 0
    const channel = new EmbeddedChannel({ flush: (ctx: ChannelHandlerContext) => (flushes++, ctx.flush()) })
    assert.equal(channel.writeOutbound('a', 'b'), true)
    assert.deepEqual([flushes, channel.readOutbound(), channel.readOutbound(), channel.readOutbound()], [1, 'a', 'b', undefined])
    assert.equal(channel.writeOutbound(), false)
    assert.equal(flushes, 1)
  })

  test('writeOutbound throws the first failed write', () => {
    const channel = new EmbeddedChannel({
      write(_ctx: ChannelHandlerContext, msg: unknown) {
        throw new Error(`no ${String(msg)}`)
      },
    })
    assert.throws(() => channel.writeOutbound('a'), { message: 'no a' })
  })

  test('writeOneOutbound does not flush; flushOutbound does', () => {
    const channel = new EmbeddedChannel()
    const future = channel.writeOneOutbound('a')
    assert.deepEqual([future.isDone, channel.outboundMessages], [false, []])
    channel.flushOutbound()
    assert.deepEqual([future.isDone, channel.outboundMessages], [true, ['a']])
  })

  test('a written buffer is the reader\'s: it keeps its reference', () => {
    const channel = new EmbeddedChannel()
    const msg = Unpooled.buffer(4)
    channel.writeOutbound(msg)
    assert.equal(msg.refCnt, 1)
    assert.equal(channel.releaseOutbound(), true)
    assert.equal(msg.refCnt, 0)
    assert.equal(channel.releaseOutbound(), false)
  })
})

describe('on a closed channel', () => {
  const closed = { name: 'ClosedChannelError', code: 'ERR_KNOTTY_CLOSED_CHANNEL' }

  test('writing throws', () => {
    const channel = new EmbeddedChannel()
    channel.close()
    assert.throws(() => channel.writeInbound('a'), closed)
    assert.throws(() => channel.flushInbound(), closed)
    assert.throws(() => channel.writeOneInbound('a'), closed)
    assert.throws(() => channel.writeOutbound('a'), closed)
    assert.throws(() => channel.flushOutbound(), closed)
    assert.throws(() => channel.writeOneOutbound('a'), closed)
    assert.equal(channel.finish(), false)
  })
})

describe('finish', () => {
  test('closes and says whether something is left', () => {
    const channel = new EmbeddedChannel()
    channel.writeInbound('a')
    assert.equal(channel.finish(), true)
    assert.equal(channel.isOpen, false)
    assert.equal(channel.readInbound(), 'a')
    assert.equal(channel.finish(), false)
  })

  test('throws what reached the tail', () => {
    const channel = new EmbeddedChannel({
      channelInactive() {
        throw new Error('at the end')
      },
    })
    assert.throws(() => channel.finish(), { message: 'at the end' })
  })

  test('finishAndReport gives what is left, taking it out', () => {
    const channel = new EmbeddedChannel({
      channelInactive: (ctx: ChannelHandlerContext) => void ctx.fireChannelRead('late'),
    })
    channel.writeInbound('in')
    channel.writeOutbound('out')
    assert.deepEqual(channel.finishAndReport(), { inbound: ['in', 'late'], outbound: ['out'] })
    assert.deepEqual([channel.inboundMessages, channel.outboundMessages], [[], []])
  })

  test('finishAndReleaseAll releases what is left, also when something is thrown', () => {
    const channel = new EmbeddedChannel({
      channelInactive() {
        throw new Error('at the end')
      },
    })
    const [inbound, outbound] = [Unpooled.buffer(1), Unpooled.buffer(1)]
    channel.pipeline.addLast({})
    channel.writeInbound(inbound)
    channel.writeOutbound(outbound)
    assert.throws(() => channel.finishAndReleaseAll(), { message: 'at the end' })
    assert.deepEqual([inbound.refCnt, outbound.refCnt], [0, 0])
  })
})

describe('tasks', () => {
  test('wait until an operation of the transport, or runPendingTasks, runs them', () => {
    const log: string[] = []
    const channel = new EmbeddedChannel()
    channel.eventLoop.execute(() => log.push('a'))
    assert.equal(log.length, 0)
    channel.runPendingTasks()
    channel.eventLoop.execute(() => log.push('b'))
    channel.flush()
    assert.deepEqual(log, ['a', 'b'])
  })

  test('close runs what is due and cancels the scheduled tasks that are left, those of channelInactive too', () => {
    const log: string[] = []
    const channel = EmbeddedChannel.with(
      { freezeTime: true },
      { channelInactive: (ctx: ChannelHandlerContext) => void ctx.eventLoop.schedule(() => log.push('later'), 10) },
    )
    channel.eventLoop.schedule(() => log.push('due'), 0)
    channel.eventLoop.schedule(() => log.push('not due'), 10)
    channel.close()
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 0)
    channel.advanceTimeBy(100)
    assert.deepEqual(log, ['due'])
  })
})

describe('options', () => {
  test('register: false leaves registration to register()', () => {
    const channel = EmbeddedChannel.with({ register: false })
    assert.deepEqual([channel.isOpen, channel.isActive, channel.isRegistered], [true, false, false])
    assert.equal(channel.register().isSuccess, true)
    assert.deepEqual([channel.isActive, channel.isRegistered], [true, true])
  })

  test('disconnect is close, unless hasDisconnect', () => {
    const events: string[] = []
    const handler = {
      isSharable: true,
      close: (ctx: ChannelHandlerContext, promise: never) => (events.push('close'), ctx.close(promise)),
      disconnect: (ctx: ChannelHandlerContext, promise: never) => (events.push('disconnect'), ctx.disconnect(promise)),
    }
    const plain = new EmbeddedChannel(handler)
    plain.disconnect()
    const other = EmbeddedChannel.with({ hasDisconnect: true }, handler)
    assert.equal(other.disconnect().isSuccess, true)
    assert.deepEqual([events, plain.isOpen, other.isOpen], [['close', 'disconnect'], false, true])
  })

  test('freezeTime stops the clock before the handlers are added', () => {
    const channel = EmbeddedChannel.with({ freezeTime: true })
    const start = channel.eventLoop.ticker.now()
    assert.ok(Number.isInteger(start))
    channel.advanceTimeBy(5)
    assert.equal(channel.eventLoop.ticker.now() - start, 5)
  })
})
