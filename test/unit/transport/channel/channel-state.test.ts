import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AttributeKey } from '@knotty/common'
import { type Channel, type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'

describe('what a channel knows', () => {
  test('its id is one object, printable, and another one for each channel', () => {
    const channel = new EmbeddedChannel()
    assert.equal(channel.id, channel.id)
    assert.match(channel.id.toString(), /^0-[0-9a-f]+$/)
    assert.notEqual(channel.id.toString(), new EmbeddedChannel().id.toString())
  })

  test('its event loop, once registered', () => {
    const channel = EmbeddedChannel.with({ register: false })
    assert.throws(() => channel.eventLoop, { name: 'ChannelStateError', code: 'ERR_KNOTTY_CHANNEL_STATE', message: /not registered/ })
    channel.register()
    assert.equal(channel.eventLoop, channel.embeddedEventLoop)
  })

  test('it is never thenable', () => {
    assert.equal('then' in (new EmbeddedChannel() as Channel), false)
  })

  test('it prints its id and where it is', () => {
    const channel = new EmbeddedChannel()
    assert.equal(String(channel), `[${channel.id.toString()}: local:embedded - local:embedded]`)
  })

  test('once closed it is not writable, and has no outbound buffer', () => {
    const channel = new EmbeddedChannel()
    channel.close()
    assert.deepEqual(
      [channel.isWritable, channel.outboundBuffer, channel.bytesBeforeUnwritable, channel.bytesBeforeWritable],
      [false, undefined, 0, Number.MAX_SAFE_INTEGER],
    )
  })
})

describe('attributes', () => {
  test('a cell keeps one value, and is the same at each call', () => {
    const key = new AttributeKey<number>('count')
    const channel = new EmbeddedChannel()
    assert.equal(channel.attr(key).get(), undefined)
    channel.attr(key).set(7)
    assert.equal(channel.attr(key).get(), 7)
    assert.equal(channel.attr(key).remove(), 7)
    assert.equal(channel.attr(key).get(), undefined)
  })

  test('another channel has its own', () => {
    const key = new AttributeKey<number>('count')
    new EmbeddedChannel().attr(key).set(7)
    assert.equal(new EmbeddedChannel().attr(key).get(), undefined)
  })

  test('a handler sees what was set before registration', () => {
    const key = new AttributeKey<string>('name')
    let seen: string | undefined
    const channel = EmbeddedChannel.with(
      { register: false },
      { channelActive: (ctx: ChannelHandlerContext) => (seen = ctx.channel.attr(key).get()) },
    )
    channel.attr(key).set('a')
    channel.register()
    assert.equal(seen, 'a')
  })
})

describe('closeFuture', () => {
  test('is done when the channel is closed', () => {
    const channel = new EmbeddedChannel()
    const { closeFuture } = channel
    assert.equal(closeFuture.isDone, false)
    channel.close()
    assert.equal(closeFuture.isSuccess, true)
  })

  test('asked for after the close it is done', () => {
    const channel = new EmbeddedChannel()
    channel.close()
    assert.equal(channel.closeFuture.isSuccess, true)
  })

  test('nobody but the channel can complete or cancel it', () => {
    const channel = new EmbeddedChannel()
    const promise = channel.closeFuture as ReturnType<typeof channel.newPromise>
    assert.throws(() => promise.trySuccess(), { name: 'IllegalStateError', message: 'only the channel completes its closeFuture' })
    assert.throws(() => promise.setFailure(new Error('no')), { name: 'IllegalStateError' })
    assert.equal(promise.cancel(), false)
    assert.equal(promise.isDone, false)
  })
})

describe('the outbound buffer, which is made with the first use', () => {
  test('is always the same, and the channel is writable before', () => {
    const channel = new EmbeddedChannel()
    assert.equal(channel.isWritable, true)
    const { outboundBuffer } = channel
    assert.notEqual(outboundBuffer, undefined)
    channel.writeOutbound('a')
    assert.equal(channel.outboundBuffer, outboundBuffer)
    assert.equal(outboundBuffer?.completedMessages, 1)
  })

  test('is not made any more once the output has ended', () => {
    for (const end of ['close', 'shutdownOutput'] as const) {
      const channel = new EmbeddedChannel()
      channel[end]()
      assert.deepEqual([channel.isWritable, channel.outboundBuffer, channel.bytesBeforeUnwritable], [false, undefined, 0], end)
      assert.equal(channel.bytesBeforeWritable, Number.MAX_SAFE_INTEGER)
      const promise = channel.write('late')
      channel.embeddedEventLoop.runTasks()
      assert.equal(promise.isSuccess, false)
      assert.ok(promise.cause instanceof Error)
    }
  })

  test('a flush without a write before it does nothing', () => {
    const channel = new EmbeddedChannel()
    channel.flush()
    assert.deepEqual(channel.outboundMessages, [])
  })
})
