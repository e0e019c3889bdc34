import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Unpooled } from '@knotty/buffer'
import { ByteToMessageDecoder, LengthFieldBasedFrameDecoder } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { IdleStateEvent, IdleStateHandler, type IdleStateHandlerOptions, ReadTimeoutHandler } from '@knotty/handler'
import { type ChannelHandler, type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { GrantedChannel } from '../../vectors/granted-channel.js'
import { messagesOf, recordLogs } from '../transport/channel/recorded-logs.js'

/** Keeps the events, and the errors, with their time. */
class Recorder implements ChannelHandler {
  readonly log: string[] = []

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    this.log.push(`${ctx.eventLoop.ticker.now()} ${String(event)}`)
  }

  exceptionCaught(_ctx: ChannelHandlerContext, cause: Error): void {
    this.log.push(cause.message)
  }

  /** How many events came since the last look. */
  take(): number {
    return this.log.splice(0).length
  }
}

function frozen(...handlers: ChannelHandler[]): EmbeddedChannel {
  return EmbeddedChannel.with({ freezeTime: true }, ...handlers)
}

describe('an idle state handler', () => {
  test('refuses times that no timer can hold, by name; 0 and less turn an event off', () => {
    for (const key of ['readerIdleMs', 'writerIdleMs', 'allIdleMs']) {
      for (const bad of [Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, '5' as never]) {
        assert.throws(
          () => new IdleStateHandler({ [key]: bad }),
          (error: Error) => error instanceof IllegalArgumentError && error.message.includes(key),
        )
      }
    }
    for (const bad of [{}, { readerIdle: 5 }, { observeOutput: true }, 60, undefined]) {
      assert.throws(() => new IdleStateHandler(bad as never), /options: .*expected: new IdleStateHandler\(\{ readerIdleMs, /)
    }
    const handler = new IdleStateHandler({ readerIdleMs: 0, writerIdleMs: -1 })
    assert.deepEqual([handler.readerIdleMs, handler.writerIdleMs, handler.allIdleMs], [0, 0, 0])
    const times = new IdleStateHandler({ readerIdleMs: 1, writerIdleMs: 2.5, allIdleMs: 0.1 })
    assert.deepEqual([times.readerIdleMs, times.writerIdleMs, times.allIdleMs], [1, 2.5, 1])
  })

  test('does not start again after channelInactive, and is silent on a channel that is closed before it comes', () => {
    class Closing extends EmbeddedChannel {
      declare isClosing: boolean
      override get isOpen(): boolean {
        return this.isClosing !== true && super.isOpen
      }
    }
    const recorder = new Recorder()
    const channel = new Closing()
    channel.freezeTime()
    channel.pipeline.addLast(new IdleStateHandler({ readerIdleMs: 100 }), recorder)
    channel.isClosing = true
    channel.advanceTimeBy(1000)
    assert.deepEqual([recorder.take(), channel.embeddedEventLoop.scheduledTasks], [0, 0])
    channel.pipeline.fireChannelInactive()
    channel.pipeline.fireChannelActive()
    channel.pipeline.fireChannelRegistered()
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 0)
    channel.isClosing = false
    channel.finish()
  })

  test('added while the channel is on its way to another event loop it starts there', () => {
    const channel = frozen()
    channel.deregister()
    channel.pipeline.addLast(new IdleStateHandler({ readerIdleMs: 100 }))
    assert.deepEqual([channel.isActive, channel.isRegistered, channel.embeddedEventLoop.scheduledTasks], [true, false, 0])
    channel.register()
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 1)
    channel.finish()
  })

  test('has one timer for each kind, however many messages pass', () => {
    const channel = frozen(new IdleStateHandler({ readerIdleMs: 100, writerIdleMs: 100, allIdleMs: 100 }), new Recorder())
    const { embeddedEventLoop: loop } = channel
    let scheduled = 0
    const { scheduleCoarse } = loop
    loop.scheduleCoarse = (task, delayMs) => {
      scheduled++
      return scheduleCoarse.call(loop, task, delayMs)
    }
    for (let index = 0; index < 1000; index++) {
      channel.writeInbound('in')
      channel.writeOutbound('out')
      channel.advanceTimeBy(1)
      assert.equal(loop.scheduledTasks, 3)
    }
    assert.ok(scheduled <= 3 * 11, `${scheduled} timers for 10 periods`)
    channel.finish()
    assert.equal(loop.scheduledTasks, 0)
  })

  test('starts when it is added to an active channel, else when that becomes active, and only once', () => {
    for (const register of [true, false]) {
      const recorder = new Recorder()
      const channel = EmbeddedChannel.with({ freezeTime: true, register }, recorder)
      channel.pipeline.addFirst(new IdleStateHandler({ readerIdleMs: 100 }))
      if (!register) {
        assert.equal(channel.embeddedEventLoop.scheduledTasks, 0)
        channel.register()
      }
      channel.pipeline.fireChannelActive()
      channel.pipeline.fireChannelRegistered()
      assert.equal(channel.embeddedEventLoop.scheduledTasks, 1)
      channel.advanceTimeBy(100)
      assert.equal(recorder.take(), 1)
      channel.finish()
    }
  })

  test('counts a write that nobody watches, and one that is not flushed not', () => {
    const recorder = new Recorder()
    const channel = frozen(new IdleStateHandler({ writerIdleMs: 100 }), recorder)
    channel.advanceTimeBy(90)
    channel.write('message', null)
    channel.advanceTimeBy(10)
    assert.equal(recorder.take(), 1)
    channel.flush()
    channel.advanceTimeBy(99)
    assert.equal(recorder.take(), 0)
    channel.advanceTimeBy(1)
    assert.match(recorder.log[0] ?? '', /WRITER_IDLE, first/)
    channel.finish()
  })

  test('counts a silence from the end of a read that takes long', () => {
    const recorder = new Recorder()
    const channel = frozen(new IdleStateHandler({ readerIdleMs: 100, allIdleMs: 100 }), recorder)
    channel.writeOneInbound('a')
    channel.advanceTimeBy(250)
    channel.flushInbound()
    channel.advanceTimeBy(99)
    assert.deepEqual(recorder.log, [])
    channel.advanceTimeBy(1)
    assert.equal(recorder.take(), 2)
    channel.finish()
  })

  test('passes its own errors, thrown or rejected, to the next handler and goes on', async () => {
    class Broken extends IdleStateHandler {
      protected override channelIdle(_ctx: ChannelHandlerContext, event: IdleStateEvent): void | Promise<void> {
        if (!event.isFirst) return Promise.reject(new Error('rejected'))
        throw new Error('thrown')
      }
    }
    const recorder = new Recorder()
    const channel = frozen(new Broken({ readerIdleMs: 100 }), recorder)
    channel.advanceTimeBy(200)
    await Promise.resolve()
    assert.deepEqual(recorder.log, ['thrown', 'rejected'])
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 1)
    channel.finish()
  })

  test('may be removed, or the channel closed, while its event is handled', () => {
    for (const end of ['remove', 'close'] as const) {
      const handler = new IdleStateHandler({ readerIdleMs: 100, writerIdleMs: 100, allIdleMs: 100 })
      let events = 0
      const channel = frozen(handler, {
        userEventTriggered: (ctx: ChannelHandlerContext) => {
          events++
          if (end === 'remove') ctx.pipeline.remove(handler)
          else ctx.close()
        },
      })
      channel.advanceTimeBy(1000)
      assert.deepEqual([events, channel.embeddedEventLoop.scheduledTasks], [1, 0])
      channel.finish()
    }
  })

  test('has one event object for each state, first and not', () => {
    assert.equal(IdleStateEvent.of('ALL_IDLE', true), IdleStateEvent.FIRST_ALL_IDLE_STATE_EVENT)
    assert.equal(IdleStateEvent.of('WRITER_IDLE', false), IdleStateEvent.WRITER_IDLE_STATE_EVENT)
    assert.equal(String(IdleStateEvent.FIRST_READER_IDLE_STATE_EVENT), 'IdleStateEvent(READER_IDLE, first)')
    assert.match(inspect(IdleStateEvent.READER_IDLE_STATE_EVENT), /READER_IDLE/)
  })
})

describe('a slow write that moves', () => {
  /** 100 MB to a peer that takes a little each second; gives the events of ten seconds behind the first. */
  function events(options: IdleStateHandlerOptions, bytesASecond: number): string[] {
    const recorder = new Recorder()
    const channel = new GrantedChannel(0)
    channel.freezeTime()
    channel.pipeline.addLast(new IdleStateHandler(options), recorder)
    channel.writeAndFlush(Unpooled.wrappedBuffer(new Uint8Array(100_000_000)), null)
    channel.advanceTimeBy(1000) // the first event comes in any case
    recorder.take()
    for (let second = 0; second < 10; second++) {
      channel.accept(bytesASecond)
      channel.advanceTimeBy(1000)
    }
    assert.equal(channel.outboundBuffer?.messages, 1)
    channel.finishAndReleaseAll()
    return recorder.log
  }

  test('is not idle with observeOutput', () => {
    assert.deepEqual(events({ writerIdleMs: 1000, observeOutput: true }, 1), [])
    assert.deepEqual(events({ allIdleMs: 1000, observeOutput: true }, 1), [])
  })

  test('is idle without, and one that stands still is idle with it', () => {
    assert.equal(events({ writerIdleMs: 1000 }, 1).length, 10)
    assert.equal(events({ allIdleMs: 1000 }, 1).length, 10)
    assert.equal(events({ writerIdleMs: 1000, observeOutput: true }, 0).length, 10)
  })
})

describe('an idle state handler behind a decoder', () => {
  class IntegerDecoder extends ByteToMessageDecoder {
    protected override decode(): void {}
  }
  class OtherDecoder extends IntegerDecoder {}

  test('says so once for each class of decoder, and what to do', (t) => {
    const logs = recordLogs(t)
    frozen(new IntegerDecoder(), new IdleStateHandler({ readerIdleMs: 100 })).finish()
    const [line] = messagesOf(logs, 'warn')
    assert.match(line ?? '', /^IdleStateHandler \(IdleStateHandler#0\) stands behind IntegerDecoder: .*netty#6842.*put it first in the pipeline/)
    frozen(new IntegerDecoder(), new ReadTimeoutHandler({ timeoutMs: 100 })).finish()
    assert.equal(logs.length, 1)
    frozen(new IntegerDecoder(), new OtherDecoder(), new ReadTimeoutHandler({ timeoutMs: 100 })).finish()
    assert.match(messagesOf(logs, 'warn')[1] ?? '', /^ReadTimeoutHandler .* behind OtherDecoder/)
    assert.equal(logs.length, 2)
  })

  test('says nothing when it is first, or looks at writes alone', (t) => {
    const logs = recordLogs(t)
    const framer = (): ChannelHandler => new LengthFieldBasedFrameDecoder({ maxFrameLength: 100, lengthFieldLength: 1 })
    frozen(new IdleStateHandler({ readerIdleMs: 100 }), framer()).finish()
    frozen(framer(), new IdleStateHandler({ writerIdleMs: 100 })).finish()
    frozen({ channelRead: (ctx: ChannelHandlerContext, msg: unknown) => void ctx.fireChannelRead(msg) }, new IdleStateHandler({ allIdleMs: 1 })).finish()
    assert.deepEqual(logs, [])
  })
})

test('an idle state handler keeps its state apart from the fields of a subclass', () => {
  class Closing extends IdleStateHandler {
    state = 'of the subclass'
    ctx: unknown = 'of the subclass'
    reader = 1
    protected override channelIdle(ctx: ChannelHandlerContext): void {
      ctx.close()
    }
  }
  const channel = frozen(new Closing({ readerIdleMs: 50 }))
  channel.advanceTimeBy(49)
  assert.equal(channel.isOpen, true)
  channel.advanceTimeBy(1)
  assert.equal(channel.isOpen, false)
})
