import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Unpooled } from '@knotty/buffer'
import {
  AsyncChannel,
  type ChannelHandler,
  ChannelOption,
  ChannelOutputShutdownError,
  ClosedChannelError,
  EmbeddedChannel,
  type OutboundBuffer,
} from '@knotty/transport'

/** A transport that takes only as many messages as it was granted. */
class GrantingChannel extends EmbeddedChannel {
  granted = 0
  shutdowns = 0

  grant(messages: number): void {
    this.granted += messages
    this.flush()
  }

  protected override doWrite(outboundBuffer: OutboundBuffer): void {
    for (; this.granted > 0 && !outboundBuffer.isEmpty; this.granted--) {
      this.outboundMessages.push(outboundBuffer.current)
      outboundBuffer.remove()
    }
  }

  protected override doShutdownOutput(done: (error: Error | undefined) => void): void {
    this.shutdowns++
    done(undefined)
  }
}

function wrapped(): { channel: GrantingChannel; ch: AsyncChannel<unknown, unknown> } {
  const channel = new GrantingChannel()
  return { channel, ch: AsyncChannel.wrap(channel) }
}

/** Says in `log` how a promise settles. */
function watch(promise: Promise<void>, name: string, log: string[]): void {
  promise.then(
    () => log.push(name),
    (error: Error) => log.push(`${name}: ${error.constructor.name}`),
  )
}

const hundred = (): unknown => Unpooled.buffer(100).writeZero(100)

describe('write', () => {
  test('resolves when the message has left, not before', async () => {
    const { channel, ch } = wrapped()
    const log: string[] = []
    watch(ch.outbound.write('a'), 'a', log)
    watch(ch.outbound.write('b'), 'b', log)
    await nextTurn()
    assert.deepEqual(log, [])
    channel.grant(1)
    await nextTurn()
    assert.deepEqual(log, ['a'])
    channel.grant(1)
    await nextTurn()
    assert.deepEqual(log, ['a', 'b'])
    assert.deepEqual(channel.outboundMessages, ['a', 'b'])
    channel.finish()
  })

  test('is suspended while the channel is not writable, and goes on below the low water mark', async () => {
    const { channel, ch } = wrapped()
    channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 250, high: 500 })
    const log: string[] = []
    // each counts 196
    for (const name of ['a', 'b', 'c', 'd']) watch(ch.outbound.write(hundred()), name, log)
    assert.equal(channel.isWritable, false)
    channel.grant(2)
    await nextTurn()
    assert.deepEqual(log, [], 'two have left, but 392 wait')
    channel.grant(1)
    await nextTurn()
    assert.deepEqual(log.sort(), ['a', 'b', 'c'])
    channel.grant(1)
    await nextTurn()
    assert.deepEqual(log.sort(), ['a', 'b', 'c', 'd'])
    channel.finish()
  })

  test('is suspended by a user-defined bit too', async () => {
    const { channel, ch } = wrapped()
    channel.granted = 1
    channel.outboundBuffer?.setUserDefinedWritability(1, false)
    const log: string[] = []
    watch(ch.outbound.write('a'), 'a', log)
    await nextTurn()
    assert.deepEqual(log, [])
    channel.outboundBuffer?.setUserDefinedWritability(1, true)
    channel.runPendingTasks()
    await nextTurn()
    assert.deepEqual(log, ['a'])
    channel.finish()
  })

  test('rejects with ClosedChannelError when the channel is closed, before or while it waits', async () => {
    const { channel, ch } = wrapped()
    const waiting = ch.outbound.write('a')
    channel.close()
    await assert.rejects(waiting, ClosedChannelError)
    await assert.rejects(ch.outbound.write('b'), ClosedChannelError)
  })

  test('never hangs: one whose message has left resolves when the channel closes, or its output ends', async () => {
    for (const end of ['close', 'shutdownOutput'] as const) {
      const { channel, ch } = wrapped()
      channel.granted = 1
      channel.outboundBuffer?.setUserDefinedWritability(1, false)
      const written = ch.outbound.write('a')
      await nextTurn()
      channel[end]()
      await written
      channel.finish()
    }
  })

  test('never hangs: once the handler is removed nobody tells of writability, and a message that has left is enough', async () => {
    const { channel, ch } = wrapped()
    channel.granted = 2
    channel.outboundBuffer?.setUserDefinedWritability(1, false)
    const before = ch.outbound.write('a')
    await nextTurn()
    channel.pipeline.remove(ch)
    await before
    await ch.outbound.write('b')
    assert.equal(channel.isWritable, false)
    channel.finish()
  })

  test('one that fails in a handler rejects with that error', async () => {
    const channel = new EmbeddedChannel()
    channel.pipeline.addLast({
      write: (_ctx, _msg, _promise) => {
        throw new RangeError('too long')
      },
    })
    await assert.rejects(AsyncChannel.wrap(channel).outbound.write('a'), RangeError)
    channel.finish()
  })
})

describe('finish', () => {
  test('waits for what was written, then ends the output once; nothing may be written after it', async () => {
    const { channel, ch } = wrapped()
    const log: string[] = []
    watch(ch.outbound.write('a'), 'a', log)
    const finished = ch.outbound.finish()
    watch(finished, 'finished', log)
    assert.equal(ch.outbound.finish(), finished)
    const late = Unpooled.buffer(1)
    await assert.rejects(ch.outbound.write(late), ChannelOutputShutdownError)
    assert.equal(late.refCnt, 0)
    assert.equal(channel.shutdowns, 0)
    channel.grant(1)
    await finished
    assert.equal(channel.shutdowns, 1)
    assert.deepEqual(log, ['a', 'finished'])
    assert.equal(channel.isOpen, true)
    channel.finish()
  })

  test('before there is a pipeline rejects, and ends nothing', async () => {
    const channel = new EmbeddedChannel()
    const ch = new AsyncChannel<string, string>()
    await assert.rejects(ch.outbound.finish(), { name: 'ChannelStateError' })
    channel.pipeline.addLast(ch)
    await ch.outbound.write('a')
    await ch.outbound.finish()
    assert.deepEqual(channel.outboundMessages, ['a'])
    channel.finish()
  })

  test('waits for the writes that are out also when a later one has failed', async () => {
    const { channel, ch } = wrapped()
    channel.pipeline.addFirst({
      write(ctx, msg, promise) {
        if (msg === 'bad') throw new RangeError('bad')
        ctx.write(msg, promise)
      },
    } as ChannelHandler)
    const log: string[] = []
    watch(ch.outbound.write('a'), 'a', log)
    watch(ch.outbound.write('bad'), 'bad', log)
    watch(ch.outbound.finish(), 'finished', log)
    await nextTurn()
    assert.deepEqual([log, channel.shutdowns], [['bad: RangeError'], 0])
    channel.grant(1)
    await nextTurn()
    assert.deepEqual([log, channel.shutdowns], [['bad: RangeError', 'a', 'finished'], 1])
    channel.finish()
  })

  test('is done when the channel closes meanwhile, or is closed', async () => {
    const { channel, ch } = wrapped()
    const lost = ch.outbound.write('a')
    const finished = ch.outbound.finish()
    channel.close()
    await assert.rejects(lost, ClosedChannelError)
    await finished
    const closed = new GrantingChannel()
    closed.finish()
    await AsyncChannel.wrap(closed).outbound.finish().catch(() => assert.fail('a closed channel has nothing to finish'))
    assert.equal(channel.shutdowns, 0)
  })
})
