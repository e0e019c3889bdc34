import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import { FlowControlHandler, type FlowControlHandlerOptions, QueueOverflowError } from '@knotty/handler'
import { AsyncChannel, type ChannelHandler, type ChannelHandlerContext, ChannelInputShutdownEvent, EmbeddedChannel } from '@knotty/transport'

/** Writes down what arrives, and how often the transport is asked to read. */
class Recorder implements ChannelHandler {
  readonly log: string[] = []
  onRead: ((ctx: ChannelHandlerContext) => void) | undefined = undefined

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.log.push(String(msg))
    this.onRead?.(ctx)
  }

  channelReadComplete(): void {
    this.log.push('complete')
  }
}

interface Controlled {
  readonly channel: EmbeddedChannel
  readonly handler: FlowControlHandler
  readonly recorder: Recorder
  readonly log: string[]
}

function controlled(autoRead: boolean, options: FlowControlHandlerOptions = {}): Controlled {
  const handler = new FlowControlHandler(options)
  const recorder = new Recorder()
  const { log } = recorder
  const channel = EmbeddedChannel.with(
    { register: false },
    { read: (_ctx) => log.push('transport reads') } as ChannelHandler,
    handler,
    recorder,
  )
  channel.pipeline.closeOnUncaught = false
  channel.config.autoRead = autoRead
  return { channel, handler, recorder, log }
}

/** The same, registered, with the log empty. */
function started(autoRead: boolean, options?: FlowControlHandlerOptions): Controlled {
  const it = controlled(autoRead, options)
  it.channel.register()
  it.log.length = 0
  return it
}

describe('with AUTO_READ off', () => {
  test('one read() gives one message; the transport is asked only when none waits', () => {
    const { channel, handler, log } = started(false)
    channel.read()
    channel.writeInbound(1, 2, 3)
    assert.deepEqual(log, ['transport reads', '1'])
    assert.equal(handler.queuedMessages, 2)
    channel.read()
    assert.deepEqual(log.splice(0), ['transport reads', '1', '2'])
    channel.read()
    assert.deepEqual(log.splice(0), ['3', 'complete'])
    channel.read()
    assert.deepEqual(log, ['transport reads'])
    channel.writeInbound(4)
    assert.deepEqual(log, ['transport reads', '4', 'complete'])
  })

  test('messages nobody asked for wait', () => {
    const { channel, log } = started(false)
    channel.writeInbound(1)
    assert.deepEqual(log, [])
    channel.read()
    assert.deepEqual(log, ['1', 'complete'])
  })

  test('a read() inside channelRead gives the next message when that returns, however many wait', () => {
    const { channel, recorder, log } = started(false)
    let depth = 0
    let deepest = 0
    recorder.onRead = (ctx) => {
      deepest = Math.max(deepest, ++depth)
      ctx.read()
      depth--
    }
    const messages = Array.from({ length: 50_000 }, (_, index) => index)
    channel.writeInbound(...messages.slice(0, 2))
    channel.read()
    assert.deepEqual(log.splice(0), ['0', '1', 'complete', 'transport reads'])
    channel.writeInbound(...messages)
    assert.equal(log.length, messages.length + messages.length + 1, 'each message, a read for each, one complete')
    channel.pipeline.fireChannelReadComplete()
    assert.equal(deepest, 1)
  })

  test('several read() before a message comes are one', () => {
    const { channel, log } = started(false)
    channel.read().read().read()
    channel.writeInbound(1, 2)
    assert.deepEqual(log.filter((line) => line !== 'transport reads'), ['1'])
  })
})

describe('with AUTO_READ on', () => {
  test('messages and completions pass', () => {
    const { channel, log } = started(true)
    channel.writeInbound(1, 2)
    assert.deepEqual(log, ['1', '2', 'complete', 'transport reads'])
  })

  test('turned off inside channelRead it stops the next message; turned on again, all that wait come', () => {
    const { channel, recorder, handler, log } = started(true)
    recorder.onRead = (ctx) => {
      ctx.channel.config.autoRead = false
    }
    channel.writeInbound(1, 2, 3)
    assert.deepEqual([log.splice(0), handler.queuedMessages], [['1'], 2])
    recorder.onRead = undefined
    channel.config.autoRead = true
    assert.deepEqual(log, ['2', '3', 'complete', 'transport reads'])
  })
})

describe('the end of the input', () => {
  const end = ChannelInputShutdownEvent.INSTANCE

  test('is told behind the messages that wait, and at once when none does; other events pass', () => {
    const { channel, recorder, log } = started(false)
    channel.pipeline.addLast({ userEventTriggered: (_ctx, event) => void log.push(event === end ? 'end' : String(event)) } as ChannelHandler)
    channel.writeInbound(1, 2)
    channel.pipeline.fireUserEventTriggered(end)
    channel.pipeline.fireUserEventTriggered('event')
    assert.deepEqual(log.splice(0), ['event'])
    recorder.onRead = (ctx) => void ctx.read()
    channel.read()
    assert.deepEqual(log.splice(0), ['1', '2', 'complete', 'end', 'transport reads'])
    channel.pipeline.fireUserEventTriggered(end)
    assert.deepEqual(log, ['end'])
  })

  test('loses no message of a reader that is slower than its peer', async () => {
    const channel = new EmbeddedChannel(new FlowControlHandler())
    const { inbound } = AsyncChannel.wrap<number>(channel, { highWaterMark: 2 })
    channel.writeInbound(1, 2, 3, 4, 5)
    assert.equal(inbound.waiting, 2)
    channel.pipeline.fireUserEventTriggered(end)
    const messages: number[] = []
    for await (const msg of inbound) messages.push(msg)
    assert.deepEqual(messages, [1, 2, 3, 4, 5])
    channel.finish()
  })

  test('is told when the handler is removed', () => {
    const { channel, handler, log } = started(false)
    channel.pipeline.addLast({ userEventTriggered: (_ctx, _event) => void log.push('end') } as ChannelHandler)
    channel.writeInbound(1)
    channel.pipeline.fireUserEventTriggered(end)
    channel.pipeline.remove(handler)
    assert.deepEqual(log, ['1', 'complete', 'end'])
  })
})

describe('what waits', () => {
  test('is delivered when the handler is removed', () => {
    const { channel, handler, log } = started(false)
    channel.writeInbound(1, 2)
    channel.pipeline.remove(handler)
    assert.deepEqual(log, ['1', '2', 'complete'])
  })

  test('is delivered in order when the handler is removed inside channelRead', () => {
    const { channel, handler, recorder, log } = started(false)
    channel.writeInbound(1, 2, 3)
    recorder.onRead = () => {
      recorder.onRead = undefined
      channel.pipeline.remove(handler)
    }
    channel.read()
    assert.deepEqual(log.filter((line) => line !== 'transport reads'), ['1', '2', '3', 'complete'])
  })

  test('is released when the channel becomes inactive, unless releaseMessages is false', () => {
    for (const releaseMessages of [true, false]) {
      const { channel, handler } = started(false, { releaseMessages })
      const msg: ByteBuf = Unpooled.copiedBuffer('x')
      channel.writeInbound(msg)
      channel.close()
      assert.deepEqual([msg.refCnt, handler.queuedMessages], [releaseMessages ? 0 : 1, 0])
    }
  })

  test('leaves nothing to tell when the channel becomes inactive', () => {
    const { channel, handler, log } = started(false)
    const events: unknown[] = []
    channel.pipeline.addLast({ userEventTriggered: (_ctx, event) => void events.push(event) })
    channel.writeInbound(1, 2)
    channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    channel.pipeline.fireChannelInactive()
    channel.read()
    assert.deepEqual([log, events, handler.queuedMessages], [['transport reads'], [], 0])
    channel.close()
  })

  test('is bounded: one message too many is an error that closes the channel, and all are released', () => {
    const { channel, log } = started(false, { maxQueuedMessages: 2 })
    const messages = [1, 2, 3].map((byte) => Unpooled.wrappedBuffer(Uint8Array.of(byte)))
    assert.throws(
      () => channel.writeInbound(...messages),
      (error: Error) => error instanceof QueueOverflowError && /more than 2 messages .*maxQueuedMessages/.test(error.message),
    )
    assert.deepEqual([channel.isOpen, messages.map((msg) => msg.refCnt), log], [false, [0, 0, 0], []])
  })

  test('what comes behind it is released, also while a handler keeps the close to itself', () => {
    const { channel, handler } = started(false, { maxQueuedMessages: 2 })
    channel.pipeline.addFirst({ close: (_ctx, _promise) => undefined })
    const messages = [1, 2, 3, 4, 5].map((byte) => Unpooled.wrappedBuffer(Uint8Array.of(byte)))
    assert.throws(() => channel.writeInbound(...messages), QueueOverflowError)
    assert.deepEqual([channel.isOpen, messages.map((msg) => msg.refCnt), handler.queuedMessages], [true, [0, 0, 0, 0, 0], 0])
    channel.pipeline.removeFirst()
    channel.close()
  })

  test('the bound is an integer above 0', () => {
    assert.throws(() => new FlowControlHandler({ maxQueuedMessages: Infinity }), IllegalArgumentError)
  })
})
