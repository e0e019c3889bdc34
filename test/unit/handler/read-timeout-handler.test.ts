import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalArgumentError, KnottyError } from '@knotty/common'
import { ReadTimeoutError, ReadTimeoutHandler, TimeoutError } from '@knotty/handler'
import { type ChannelHandlerContext, ChannelError, EmbeddedChannel } from '@knotty/transport'

describe('a read timeout handler', () => {
  test('fires one ReadTimeoutError, then closes the channel', () => {
    const log: unknown[] = []
    const channel = EmbeddedChannel.with({ freezeTime: true }, new ReadTimeoutHandler({ timeoutMs: 100 }), {
      exceptionCaught: (ctx: ChannelHandlerContext, cause: Error) => void log.push(cause, ctx.channel.isOpen),
      channelInactive: () => void log.push('inactive'),
    })
    channel.advanceTimeBy(60)
    channel.writeInbound('a')
    channel.advanceTimeBy(99)
    assert.equal(log.length, 0)
    channel.advanceTimeBy(1)
    const error = log[0] as ReadTimeoutError
    assert.deepEqual(log.slice(1), [true, 'inactive'])
    assert.deepEqual([error.name, error.code, error.message], ['ReadTimeoutError', 'ERR_KNOTTY_READ_TIMEOUT', 'nothing was read for 100 ms'])
    for (const type of [TimeoutError, ChannelError, KnottyError]) assert.ok(error instanceof type)
    channel.advanceTimeBy(1000)
    assert.equal(log.length, 3)
  })

  test('fires one error also when a handler keeps the close to itself', () => {
    let errors = 0
    const channel = EmbeddedChannel.with(
      { freezeTime: true },
      { close: (_ctx: ChannelHandlerContext) => undefined },
      new ReadTimeoutHandler({ timeoutMs: 100 }),
      { exceptionCaught: () => void errors++ },
    )
    channel.advanceTimeBy(1000)
    assert.deepEqual([errors, channel.isOpen], [1, true])
    channel.pipeline.removeFirst()
    channel.finish()
  })

  test('sends what an async subclass rejects with to exceptionCaught', async () => {
    class Failing extends ReadTimeoutHandler {
      protected override async readTimedOut(): Promise<void> {
        await Promise.reject(new Error('in readTimedOut'))
      }
    }
    const errors: string[] = []
    const channel = EmbeddedChannel.with({ freezeTime: true }, new Failing({ timeoutMs: 100 }), {
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void errors.push(cause.message),
    })
    channel.advanceTimeBy(100)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(errors, ['in readTimedOut'])
    channel.finish()
  })

  test('with 0 does nothing; other times are checked', () => {
    const channel = EmbeddedChannel.with({ freezeTime: true }, new ReadTimeoutHandler({ timeoutMs: 0 }))
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 0)
    channel.finish()
    for (const bad of [-1, Number.NaN, 2 ** 31, undefined as never]) {
      assert.throws(() => new ReadTimeoutHandler({ timeoutMs: bad }), IllegalArgumentError)
    }
  })
})
