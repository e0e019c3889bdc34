import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import { ChannelOption, EmbeddedChannel, type OutboundBuffer } from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

/** A transport that takes nothing by itself: the test removes messages from the buffer. */
class StalledChannel extends EmbeddedChannel {
  protected override doWrite(): void {}

  get buffer0(): OutboundBuffer {
    return this.outboundBuffer as OutboundBuffer
  }
}

const bytes = (length: number): ByteBuf => Unpooled.wrappedBuffer(new Uint8Array(length))

describe('the outbound buffer', () => {
  test('counts a Uint8Array by its length, as a ByteBuf', () => {
    const channel = new StalledChannel()
    channel.write(new Uint8Array(10))
    channel.write(bytes(10))
    assert.equal(channel.buffer0.totalPendingWriteBytes, 2 * 106)
  })

  test('shows the flushed messages, the first as current', () => {
    const channel = new StalledChannel()
    const { buffer0 } = channel
    assert.deepEqual([buffer0.current, buffer0.messages, buffer0.size, buffer0.isEmpty], [undefined, 0, 0, true])
    channel.write('a')
    channel.write('b')
    assert.deepEqual([buffer0.current, buffer0.messages, buffer0.size], [undefined, 2, 0])
    channel.flush()
    channel.write('c')
    assert.deepEqual([buffer0.firstFlushed?.msg, buffer0.firstFlushed?.next?.msg], ['a', 'b'])
    assert.deepEqual([buffer0.current, buffer0.messages, buffer0.size, buffer0.isEmpty], ['a', 3, 2, false])
  })

  for (const [what, react] of [
    ['flushes', (channel: EmbeddedChannel) => void channel.flush()],
    ['writes and flushes', (channel: EmbeddedChannel) => void channel.writeAndFlush('again', null)],
    ['closes', (channel: EmbeddedChannel) => void channel.close()],
  ] as const) {
    test(`takes a handler that ${what} when a cancelled write made the channel writable during the flush`, () => {
      const channel: EmbeddedChannel = new EmbeddedChannel({
        channelWritabilityChanged(ctx) {
          if (ctx.channel.isWritable) react(channel)
        },
      })
      channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 1000, high: 2000 })
      const cancelled = channel.write(bytes(3000))
      const others = [channel.write(bytes(10)), channel.write(bytes(10))]
      assert.equal(channel.isWritable, false)
      cancelled.cancel()
      channel.flush()
      channel.checkException()
      assert.ok(others.every((future) => future.isDone))
      assert.equal(others[0]?.isSuccess, what !== 'closes')
    })
  }

  test('removeBytes takes whole messages, records the progress of the next, and moves its start', () => {
    const channel = new StalledChannel()
    const { buffer0 } = channel
    const [first, second] = [bytes(4), bytes(10)]
    const futures = [channel.write(first), channel.write(second)]
    channel.flush()
    buffer0.removeBytes(7)
    assert.deepEqual([first.refCnt, second.readerIndex, buffer0.currentProgress, buffer0.size], [0, 3, 3, 1])
    assert.deepEqual(futures.map((future) => future.isDone), [true, false])
    buffer0.removeBytes(7)
    assert.deepEqual([futures[1]!.isSuccess, buffer0.currentProgress, buffer0.isEmpty], [true, 0, true])
  })

  test('counts the messages that have left, failed or been cancelled', () => {
    const channel = new StalledChannel()
    const { buffer0 } = channel
    for (let index = 0; index < 4; index++) channel.write(bytes(4))
    channel.write(bytes(4)).cancel()
    channel.flush()
    assert.deepEqual([buffer0.completedMessages, buffer0.messages], [0, 5])
    buffer0.removeBytes(6)
    assert.deepEqual([buffer0.completedMessages, buffer0.messages], [1, 4])
    buffer0.failFlushed(new Error('gone'), false)
    assert.deepEqual([buffer0.completedMessages, buffer0.messages], [5, 0])
  })

  test('removeBytes goes on with the rest of a Uint8Array', () => {
    const channel = new StalledChannel()
    channel.writeAndFlush(Uint8Array.of(1, 2, 3))
    channel.buffer0.removeBytes(2)
    assert.deepEqual(channel.buffer0.current, Uint8Array.of(3))
  })

  test('removeBytes takes empty messages too, and stops at a message that is no buffer', () => {
    const channel = new StalledChannel()
    const { buffer0 } = channel
    const object = {}
    channel.write(bytes(1))
    channel.write(bytes(0))
    const cancelled = channel.newPromise()
    channel.write(bytes(5), cancelled)
    channel.write(object)
    channel.write(bytes(0))
    cancelled.cancel()
    channel.flush()
    buffer0.removeBytes(1)
    assert.equal(buffer0.current, object)
    assert.equal(buffer0.size, 2)
  })

  test('without messages remove() is false', () => {
    assert.equal(new StalledChannel().buffer0.remove(), false)
  })

  test('a message somebody released although it was written is logged, and the promises behind it complete', (t) => {
    const logs = recordLogs(t)
    const channel = new StalledChannel()
    const msg = bytes(4)
    const futures = [channel.write(msg), channel.write('next')]
    msg.release()
    channel.flush()
    while (channel.buffer0.remove());
    assert.deepEqual(futures.map((future) => future.isSuccess), [true, true])
    assert.match(messagesOf(logs, 'warn').join(), /somebody released it although write\(\) had taken it over/)
  })
})

describe('listeners that come back', () => {
  test('one that writes again still sees the old pending bytes', () => {
    const channel = new StalledChannel()
    let seen: number | undefined
    channel.write(bytes(4)).addListener(() => {
      channel.write(bytes(4))
      seen = channel.buffer0.totalPendingWriteBytes
    })
    channel.flush()
    channel.buffer0.remove()
    assert.deepEqual([seen, channel.buffer0.totalPendingWriteBytes], [200, 100])
  })

  test('one of a failing write may close the channel again: all fail once, in order', () => {
    const channel = new StalledChannel()
    const log: string[] = []
    for (const name of ['a', 'b', 'c']) {
      channel.write(name).addListener(({ cause }) => {
        log.push(`${name} ${cause?.name}`)
        channel.close()
      })
    }
    channel.flush()
    channel.write('d').addListener(({ cause }) => log.push(`d ${cause?.name}`))
    channel.close()
    assert.deepEqual(log, ['a ClosedChannelError', 'b ClosedChannelError', 'c ClosedChannelError', 'd ClosedChannelError'])
  })

  test('one of a write that failed before the channel was connected may close it: the others are told first', () => {
    const channel = EmbeddedChannel.with({ register: false })
    const log: string[] = []
    channel.write('a').addListener(({ cause }) => {
      log.push(`a ${cause?.name}`)
      // Written after the flush, so not failing now: its turn comes when the flushed ones are through.
      channel.write('c').addListener((future) => log.push(`c ${future.cause?.name}`))
      channel.close()
    })
    channel.write('b').addListener(({ cause }) => log.push(`b ${cause?.name}`))
    channel.flush()
    assert.deepEqual(log, ['a NotYetConnectedError', 'b NotYetConnectedError', 'c ClosedChannelError'])
  })
})

describe('writes nobody watches', () => {
  test('that fail are published to knotty:write:failed', (t) => {
    const published: unknown[] = []
    const onMessage = (message: unknown): void => void published.push(message)
    subscribe('knotty:write:failed', onMessage)
    t.after(() => unsubscribe('knotty:write:failed', onMessage))
    const channel = new StalledChannel()
    channel.write('a', null)
    channel.write('b')
    channel.close()
    assert.deepEqual(published.map((message) => (message as { cause: Error }).cause.name), ['ClosedChannelError'])
  })
})

describe('user-defined writability', () => {
  test('makes the channel unwritable until every bit is back; the event comes in a task, only at the edges', () => {
    const told: boolean[] = []
    const channel = new StalledChannel({ channelWritabilityChanged: () => void told.push(channel.isWritable) })
    const { buffer0 } = channel
    buffer0.setUserDefinedWritability(1, false)
    buffer0.setUserDefinedWritability(31, false)
    assert.deepEqual([channel.isWritable, told], [false, []])
    channel.runPendingTasks()
    assert.deepEqual(told, [false])
    buffer0.setUserDefinedWritability(1, true)
    channel.runPendingTasks()
    assert.deepEqual([told, buffer0.getUserDefinedWritability(1), buffer0.getUserDefinedWritability(31)], [[false], true, false])
    buffer0.setUserDefinedWritability(31, true)
    channel.runPendingTasks()
    assert.deepEqual(told, [false, true])
  })

  for (const index of [0, -1, 32, 1.5, Number.NaN]) {
    test(`index ${index} is refused`, () => {
      const { buffer0 } = new StalledChannel()
      const error = { name: 'IllegalArgumentError', message: `index: ${index} (expected: 1 to 31)` }
      assert.throws(() => buffer0.setUserDefinedWritability(index, false), error)
      assert.throws(() => buffer0.getUserDefinedWritability(index), error)
    })
  }

  test('the water mark does not make a channel writable that a user bit holds', () => {
    const channel = new StalledChannel()
    channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 10, high: 100 })
    channel.buffer0.setUserDefinedWritability(3, false)
    channel.writeAndFlush(bytes(50))
    channel.buffer0.remove()
    assert.equal(channel.isWritable, false)
    assert.equal(channel.bytesBeforeUnwritable, 0)
  })
})
