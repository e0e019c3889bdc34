import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChannelOption, EmbeddedChannel } from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

describe('channel.events', () => {
  test('tells registered, active, close and inactive, in this order', () => {
    const log: string[] = []
    const channel = EmbeddedChannel.with({ register: false })
    for (const event of ['registered', 'active', 'inactive', 'close'] as const) channel.events.on(event, () => log.push(event))
    channel.register()
    assert.deepEqual(log, ['registered', 'active'])
    channel.close()
    assert.deepEqual(log, ['registered', 'active', 'close', 'inactive'])
    channel.close()
    assert.equal(log.length, 4)
  })

  test('closeFuture is done when close is told', () => {
    const channel = new EmbeddedChannel()
    let done: boolean | undefined
    channel.events.on('close', () => (done = channel.closeFuture.isDone))
    channel.close()
    assert.equal(done, true)
  })

  test('tells changes of writability with the new value', () => {
    const told: boolean[] = []
    const channel = new EmbeddedChannel()
    channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 0, high: 100 })
    channel.events.on('writability', (isWritable) => told.push(isWritable))
    channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 50, high: 100 })
    channel.write('a')
    channel.write('b')
    channel.flush()
    assert.deepEqual(told, [false, true])
  })

  test('tells that the channel is not writable when its output is shut down', () => {
    const told: boolean[] = []
    const channel = new EmbeddedChannel()
    channel.events.on('writability', (isWritable) => told.push(isWritable))
    channel.shutdownOutput()
    assert.deepEqual([told, channel.isWritable], [[false], false])
  })

  test('tells an exception that reached the tail', () => {
    const told: Error[] = []
    const channel = new EmbeddedChannel()
    channel.events.on('exception', (cause) => told.push(cause))
    const cause = new Error('bug')
    channel.pipeline.fireExceptionCaught(cause)
    assert.deepEqual(told, [cause])
  })

  test('is made on first use, once', () => {
    const channel = new EmbeddedChannel()
    assert.equal(channel.events, channel.events)
  })

  test('a listener that throws is logged, and the channel goes on', (t) => {
    const logs = recordLogs(t)
    const channel = new EmbeddedChannel()
    channel.events.on('close', () => {
      throw new Error('in a listener')
    })
    const write = channel.write('a')
    const close = channel.close()
    assert.deepEqual([close.isSuccess, write.cause?.name, channel.isRegistered], [true, 'ClosedChannelError', false])
    assert.deepEqual(messagesOf(logs, 'warn'), ['a listener of channel.events threw at "close"'])
  })
})
