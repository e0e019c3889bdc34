import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test, type TestContext } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

type Tail = {
  onUnhandledMessage(ctx: ChannelHandlerContext, msg: unknown): void
  onUncaughtException(ctx: ChannelHandlerContext, cause: Error): void
}
/** What every channel does at its tail, EmbeddedChannel apart. */
const ordinary = Object.getPrototypeOf(EmbeddedChannel.prototype) as Tail

class OrdinaryTailChannel extends EmbeddedChannel {
  override onUnhandledMessage(ctx: ChannelHandlerContext, msg: unknown): void {
    ordinary.onUnhandledMessage.call(this, ctx, msg)
  }

  override onUncaughtException(ctx: ChannelHandlerContext, cause: Error): void {
    ordinary.onUncaughtException.call(this, ctx, cause)
  }
}

/** A channel with the default for closeOnUncaught, which EmbeddedChannel turns off. */
function closingChannel(): OrdinaryTailChannel {
  const channel = new OrdinaryTailChannel()
  channel.pipeline.closeOnUncaught = true
  return channel
}

function collect(t: TestContext, name: string): unknown[] {
  const published: unknown[] = []
  const onMessage = (message: unknown): void => void published.push(message)
  subscribe(name, onMessage)
  t.after(() => unsubscribe(name, onMessage))
  return published
}

describe('a message nobody handles', () => {
  test('is released, and told once for each name of the last handler', (t) => {
    const logs = recordLogs(t)
    const channel = new OrdinaryTailChannel()
    channel.pipeline.addLast('unhandled-test-1', {})
    const messages = [Unpooled.buffer(4), Unpooled.buffer(4)]
    channel.writeInbound(...messages)
    assert.deepEqual(messages.map((msg) => msg.refCnt), [0, 0])
    assert.deepEqual(messagesOf(logs, 'warn'), [
      'a message of type ByteBuf passed the last handler (unhandled-test-1) of ChannelPipeline(unhandled-test-1 = Handler) and was ' +
        'released; add a handler that takes it (told once for each handler name)',
    ])
    channel.pipeline.addLast('unhandled-test-2', {})
    channel.writeInbound('text')
    assert.match(messagesOf(logs, 'warn')[1] ?? '', /^a message of type string passed the last handler \(unhandled-test-2\)/)
  })

  test('is published to knotty:message:unhandled', (t) => {
    recordLogs(t)
    const published = collect(t, 'knotty:message:unhandled')
    const channel = new OrdinaryTailChannel()
    channel.pipeline.addLast('last', {})
    channel.writeInbound('a')
    assert.deepEqual(published, [{ channel, message: 'a', handler: 'last' }])
  })
})

describe('an exception nobody handles', () => {
  test('closes the channel, and is told in one line', (t) => {
    const logs = recordLogs(t)
    const channel = closingChannel()
    const cause = new Error('bug')
    channel.pipeline.fireExceptionCaught(cause)
    assert.equal(channel.isOpen, false)
    const line = logs.find(({ level }) => level === 'warn')
    assert.match(line?.message ?? '', /^\[.*\]: no handler took this exception, the channel is closed \(ChannelPipeline\(\)\)$/)
    assert.equal(line?.error, cause)
  })

  test('leaves the channel open with closeOnUncaught = false', (t) => {
    const logs = recordLogs(t)
    const channel = closingChannel()
    channel.pipeline.closeOnUncaught = false
    channel.pipeline.fireExceptionCaught(new Error('bug'))
    assert.equal(channel.isOpen, true)
    assert.match(messagesOf(logs, 'warn').join(), /the channel stays open/)
  })

  test('is published to knotty:exception:uncaught and told by channel.events', (t) => {
    recordLogs(t)
    const published = collect(t, 'knotty:exception:uncaught')
    const channel = closingChannel()
    const told: Error[] = []
    channel.events.on('exception', (cause) => told.push(cause))
    const cause = new Error('bug')
    channel.pipeline.fireExceptionCaught(cause)
    assert.deepEqual(published, [{ channel, cause }])
    assert.deepEqual(told, [cause])
  })

  for (const code of ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT']) {
    test(`${code} is what peers do: it is counted and no warning is written, and the channel is closed`, (t) => {
      const logs = recordLogs(t)
      const channel = closingChannel()
      channel.pipeline.fireExceptionCaught(Object.assign(new Error(`read ${code}`), { code }))
      assert.equal(channel.eventLoop.counters.peerErrors, 1)
      assert.equal(channel.isOpen, false)
      assert.deepEqual(messagesOf(logs, 'warn').concat(messagesOf(logs, 'error')), [])
      assert.match(messagesOf(logs, 'debug').join(), /the peer is gone$/)
    })
  }

  test('a user event nobody handles is released without a word', (t) => {
    const logs = recordLogs(t)
    const channel = new OrdinaryTailChannel()
    const event = Unpooled.buffer(4)
    channel.pipeline.fireUserEventTriggered(event)
    assert.equal(event.refCnt, 0)
    assert.deepEqual(logs, [])
  })
})

test('uncaught exceptions are warned about ten times a second at most, and each one is published', (t) => {
  const lines = recordLogs(t)
  let published = 0
  const count = (): void => void published++
  subscribe('knotty:exception:uncaught', count)
  for (let index = 0; index < 50; index++) closingChannel().pipeline.fireExceptionCaught(new Error(`number ${index}`))
  unsubscribe('knotty:exception:uncaught', count)
  assert.equal(published, 50)
  const warned = messagesOf(lines, 'warn').length
  assert.ok(warned <= 20, `${warned} warnings: more than two seconds' worth`)
})
