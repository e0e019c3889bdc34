import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { type ChannelHandlerContext, ChannelInitializer, EmbeddedChannel, EmbeddedEventLoop } from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

/** A channel whose resources of the loop are counted, and whose steps can be made to fail. */
class FragileChannel extends EmbeddedChannel {
  static failRegister = false
  failClose = false
  failDeregister = false
  taken = 0

  protected override doRegister(): void {
    if (FragileChannel.failRegister) throw new Error('no descriptor left')
    super.doRegister()
    this.taken = (this.taken ?? 0) + 1
  }

  protected override doDeregister(): void {
    this.taken--
    if (this.failDeregister) throw new Error('not there')
    super.doDeregister()
  }

  protected override doClose(): void {
    super.doClose()
    if (this.failClose) throw new Error('EIO')
  }
}

describe('registration', () => {
  test('of a channel that is registered already fails, and changes nothing', async () => {
    const channel = new EmbeddedChannel()
    const again = channel.register()
    assert.deepEqual([again.cause?.name, channel.isRegistered, channel.isOpen], ['ChannelStateError', true, true])
  })

  test('of a closed channel fails with ClosedChannelError', () => {
    const channel = EmbeddedChannel.with({ register: false })
    channel.close()
    assert.equal(channel.register().cause?.name, 'ClosedChannelError')
  })

  test('that throws closes the channel without any event, and fails what was written before', () => {
    const events: string[] = []
    const channel = EmbeddedChannel.with(
      { register: false },
      { channelInactive: () => void events.push('inactive'), channelUnregistered: () => void events.push('unregistered') },
    )
    const msg = Unpooled.buffer(4)
    const write = channel.write(msg)
    const loop = new EmbeddedEventLoop()
    void loop.shutdownGracefully()
    const registration = loop.register(channel)
    assert.equal(registration.cause?.name, 'RejectedExecutionError')
    assert.equal(channel.isOpen, false)
    assert.equal(channel.closeFuture.isSuccess, true)
    assert.equal(write.cause?.name, 'ClosedChannelError')
    assert.equal(msg.refCnt, 0)
    assert.deepEqual(events, [])
  })

  test('whose doRegister throws fails with that error', () => {
    FragileChannel.failRegister = true
    try {
      const channel = new FragileChannel()
      assert.deepEqual([channel.isRegistered, channel.isOpen], [false, false])
      assert.match(String(channel.write('a').cause?.cause), /no descriptor left/)
    } finally {
      FragileChannel.failRegister = false
    }
  })

  test('that is abandoned while an async initializer runs fails with the cause and gives the loop back what it took', async () => {
    const log: string[] = []
    let settle = (): void => undefined
    const channel = new (class extends FragileChannel {
      override taken = 1
    })(
      {
        handlerAdded: () => void log.push('added'),
        handlerRemoved: () => void log.push('removed'),
        channelInactive: () => void log.push('inactive'),
        channelUnregistered: () => void log.push('unregistered'),
      },
      new ChannelInitializer(() => new Promise<void>((resolve) => (settle = resolve))),
    )
    channel.abandon(new Error('too late'))
    assert.deepEqual([channel.isOpen, channel.isRegistered, channel.taken], [false, false, 0])
    assert.deepEqual(log, ['added', 'removed'])
    settle()
    await nextTurn()
    assert.deepEqual(log, ['added', 'removed'])
  })
})

describe('close', () => {
  test('completes closeFuture, then the promise, then fails the pending writes in order, then tells the handlers', () => {
    const log: string[] = []
    const channel = new EmbeddedChannel({
      channelInactive(ctx: ChannelHandlerContext) {
        log.push('inactive')
        ctx.fireChannelInactive()
      },
      channelUnregistered: () => void log.push('unregistered'),
      handlerRemoved: () => void log.push('removed'),
    })
    channel.closeFuture.addListener(() => log.push('closeFuture'))
    for (const msg of ['a', 'b']) channel.write(msg).addListener(({ cause }) => log.push(`${msg} ${cause?.name}`))
    const promise = channel.newPromise()
    promise.addListener(() => log.push('promise'))
    channel.close(promise)
    assert.deepEqual(log, [
      'closeFuture',
      'promise',
      'a ClosedChannelError',
      'b ClosedChannelError',
      'inactive',
      'unregistered',
      'removed',
    ])
  })

  test('a second close succeeds', () => {
    const channel = new EmbeddedChannel()
    channel.close()
    assert.equal(channel.close().isSuccess, true)
  })

  test('a close from a listener of the first one succeeds too', () => {
    const channel = new EmbeddedChannel()
    let inner: { readonly isSuccess: boolean } | undefined
    channel.closeFuture.addListener(() => (inner = channel.close()))
    channel.close()
    assert.equal(inner?.isSuccess, true)
  })

  test('a transport that fails to close fails the promise; the channel is closed all the same', () => {
    const channel = new FragileChannel()
    channel.failClose = true
    const future = channel.close()
    assert.equal(future.cause?.message, 'EIO')
    assert.equal(channel.closeFuture.isSuccess, true)
    assert.equal(channel.isRegistered, false)
  })

  test('a transport that fails to deregister is logged; the handlers hear of the end', (t) => {
    const logs = recordLogs(t)
    const events: string[] = []
    const channel = new FragileChannel({ channelUnregistered: () => void events.push('unregistered') })
    channel.failDeregister = true
    channel.close()
    assert.deepEqual(events, ['unregistered'])
    assert.match(messagesOf(logs, 'warn').join(), /^deregistering .* failed$/)
  })

  test('abort closes, and pending writes say so', () => {
    const channel = new EmbeddedChannel()
    const write = channel.write('a')
    assert.equal(channel.abort().isSuccess, true)
    assert.equal(write.cause?.message, 'the channel was aborted')
    assert.equal(channel.isOpen, false)
  })

  test('[Symbol.asyncDispose] closes', async () => {
    const channel = new EmbeddedChannel()
    await channel[Symbol.asyncDispose]()
    assert.equal(channel.isOpen, false)
  })
})
