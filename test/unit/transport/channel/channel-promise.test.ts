import assert from 'node:assert/strict'
import process from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { DefaultChannelPromise, EmbeddedChannel } from '@knotty/transport'

describe('a ChannelFuture', () => {
  test('knows its channel', () => {
    const channel = new EmbeddedChannel()
    assert.equal(channel.write('a').channel, channel)
  })

  test('awaited gives the value', async () => {
    const promise = new DefaultChannelPromise<number>(new EmbeddedChannel())
    promise.setSuccess(7)
    assert.equal(await promise, 7)
  })

  test('of a write gives nothing', async () => {
    const channel = new EmbeddedChannel()
    assert.equal(await channel.writeAndFlush('a'), undefined)
  })

  test('awaited throws the cause', async () => {
    const channel = new EmbeddedChannel()
    channel.close()
    await assert.rejects(async () => await channel.write('a'), { name: 'ClosedChannelError' })
  })

  test('that fails and nobody looks at is never an unhandledRejection', async (t) => {
    const unhandled: unknown[] = []
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', onUnhandled)
    t.after(() => process.off('unhandledRejection', onUnhandled))
    const channel = new EmbeddedChannel()
    channel.close()
    channel.write('a')
    channel.write('b').addListener(() => undefined)
    await nextTurn()
    await nextTurn()
    assert.deepEqual(unhandled, [])
  })

  test('hands listeners that nest too deep to the loop of its channel', () => {
    const channel = new EmbeddedChannel()
    let depth = 0
    const next = (): void => {
      if (++depth === 20) return
      new DefaultChannelPromise(channel).setSuccess().addListener(next)
    }
    next()
    assert.ok(depth < 20, `${depth}`)
    channel.runPendingTasks()
    assert.equal(depth, 20)
  })
})
