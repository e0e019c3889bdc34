import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { IllegalArgumentError, setLogger } from '@knotty/common'
import { CloseOnErrorHandler } from '@knotty/handler'
import { EmbeddedChannel } from '@knotty/transport'

function logged(t: TestContext): string[] {
  const lines: string[] = []
  const write = (message: string, error?: unknown): void => void lines.push(`${message}: ${String(error)}`)
  setLogger({ debug: write, info: write, warn: write, error: write })
  t.after(() => setLogger(undefined))
  return lines
}

test('closes the channel and logs the exception in one line', (t) => {
  const lines = logged(t)
  const channel = new EmbeddedChannel(new CloseOnErrorHandler())
  channel.pipeline.fireExceptionCaught(new Error('bad frame'))
  channel.checkException()
  assert.equal(channel.isOpen, false)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /no handler took this exception, the channel is closed.*bad frame$/)
})

test('tells the callback instead of the log; what that writes leaves before the close', (t) => {
  const lines = logged(t)
  const told: string[] = []
  const handler = new CloseOnErrorHandler({
    onError: (ctx, cause) => {
      told.push(cause.message)
      ctx.writeAndFlush('sorry', null)
    },
  })
  for (const channel of [new EmbeddedChannel(handler), new EmbeddedChannel(handler)]) {
    channel.pipeline.fireExceptionCaught(new Error('bad frame'))
    assert.deepEqual([channel.isOpen, channel.outboundMessages], [false, ['sorry']])
  }
  assert.deepEqual([told, lines], [['bad frame', 'bad frame'], []])
})

test('closes also when the callback throws or rejects, and logs that', async (t) => {
  const lines = logged(t)
  const callbacks = [
    () => {
      throw new Error('callback')
    },
    () => Promise.reject(new Error('callback')),
  ]
  for (const onError of callbacks) {
    const channel = new EmbeddedChannel(new CloseOnErrorHandler({ onError }))
    channel.pipeline.fireExceptionCaught(new Error('bad frame'))
    await nextTurn()
    assert.equal(channel.isOpen, false)
    assert.match(lines.splice(0).join(), /callback/)
  }
})

test('refuses a callback that is no function', () => {
  assert.throws(() => new CloseOnErrorHandler({ onError: 'log' as never }), IllegalArgumentError)
  assert.throws(() => new CloseOnErrorHandler((() => undefined) as never), /expected: new CloseOnErrorHandler\(\{ onError \}\)/)
})
