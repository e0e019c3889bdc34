import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AsyncChannel, type ChannelHandlerContext, ChannelInputShutdownEvent, ChannelStateError, EmbeddedChannel } from '@knotty/transport'
import { Counted, rest, wrapped } from './async-inbound-support.js'

describe('the end', () => {
  test('leaving the loop closes the channel and releases what waits and what comes later', async () => {
    const { channel, ch } = wrapped()
    const messages = [new Counted(), new Counted(), new Counted()]
    channel.writeInbound(...messages)
    for await (const msg of ch.inbound) {
      assert.equal(msg, messages[0])
      break
    }
    assert.equal(channel.isOpen, false)
    assert.deepEqual(messages.map((each) => each.refCnt), [1, 0, 0])
  })

  test('a throw in the loop closes the channel, and is what the loop throws', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a')
    await assert.rejects(async () => {
      for await (const msg of ch.inbound) throw new Error(`in the loop: ${String(msg)}`)
    }, /in the loop: a/)
    assert.equal(channel.isOpen, false)
  })

  test('disposing of it ends a next() that waits', async () => {
    const { channel, ch } = wrapped()
    const next = ch.inbound[Symbol.asyncIterator]().next()
    await ch[Symbol.asyncDispose]()
    assert.deepEqual(await next, { done: true, value: undefined })
    assert.equal(channel.isOpen, false)
  })

  test('disposing of it drops what waits, an exception included', async () => {
    const { channel, ch } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    channel.writeInbound('a')
    channel.pipeline.fireExceptionCaught(new Error('broken'))
    await ch[Symbol.asyncDispose]()
    assert.deepEqual(await iterator.next(), { done: true, value: undefined })
  })

  test('await using closes', async () => {
    const { channel, ch } = wrapped()
    const msg = new Counted()
    channel.writeInbound(msg)
    {
      await using disposed = ch
      assert.equal(disposed.inbound.waiting, 1)
    }
    assert.equal(channel.isOpen, false)
    assert.equal(msg.refCnt, 0)
  })

  test("the peer's FIN ends the loop and leaves the channel open", async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a')
    channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    assert.deepEqual(await rest(ch.inbound), ['a'])
    assert.equal(channel.isOpen, true)
    await ch.outbound.write('reply')
    assert.equal(channel.readOutbound(), 'reply')
    channel.finish()
  })

  test('a removed handler gives out what it has, and ends', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a')
    channel.pipeline.remove(ch)
    channel.writeInbound('past it')
    assert.deepEqual(await rest(ch.inbound), ['a'])
    assert.equal(channel.readInbound(), 'past it')
    channel.finish()
  })

  test('on a channel that is closed the loop ends at once', async () => {
    const channel = new EmbeddedChannel()
    channel.finish()
    assert.deepEqual(await rest(AsyncChannel.wrap(channel).inbound), [])
  })

  test('on a channel whose peer has ended already the loop ends at once too', async () => {
    class HalfClosed extends EmbeddedChannel {
      readonly isInputShutdown = true
    }
    const channel = new HalfClosed()
    assert.deepEqual(await rest(AsyncChannel.wrap(channel).inbound), [])
    assert.equal(channel.isOpen, true)
    channel.finish()
  })

  test('events go on to handlers behind it', () => {
    const seen: string[] = []
    const channel = new EmbeddedChannel(new AsyncChannel(), {
      channelActive: () => void seen.push('active'),
      channelInactive: () => void seen.push('inactive'),
      channelWritabilityChanged: () => void seen.push('writability'),
      userEventTriggered: (_ctx: ChannelHandlerContext, event: unknown) => void seen.push(String(event)),
    })
    channel.pipeline.fireUserEventTriggered('event')
    channel.outboundBuffer?.setUserDefinedWritability(1, false)
    channel.runPendingTasks()
    channel.finish()
    assert.deepEqual(seen, ['active', 'event', 'writability', 'inactive'])
  })
})

describe('misuse', () => {
  test('a second iteration is a typed error, also after the first has ended', async () => {
    const { channel, ch } = wrapped()
    const first = rest(ch.inbound)
    await assert.rejects(rest(ch.inbound), ChannelStateError)
    channel.finish()
    assert.deepEqual(await first, [])
    assert.throws(() => ch.inbound[Symbol.asyncIterator](), ChannelStateError)
  })

  test('a second next() while one waits is a typed error, and the first gets its message', async () => {
    const { channel, ch } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    const first = iterator.next()
    await assert.rejects(iterator.next(), ChannelStateError)
    channel.writeInbound('a')
    assert.deepEqual(await first, { done: false, value: 'a' })
    channel.finish()
  })

  test('before it is in a pipeline everything is a typed error, and a message is released', async () => {
    const ch = new AsyncChannel()
    const msg = new Counted()
    assert.throws(() => ch.channel, ChannelStateError)
    await assert.rejects(ch.outbound.write(msg), ChannelStateError)
    assert.equal(msg.refCnt, 0)
    await assert.rejects(ch.inbound[Symbol.asyncIterator]().next(), ChannelStateError)
    await ch[Symbol.asyncDispose]()
  })
})
