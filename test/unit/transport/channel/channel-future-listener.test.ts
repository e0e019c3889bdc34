import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChannelFutureListener, EmbeddedChannel } from '@knotty/transport'

describe('ChannelFutureListener', () => {
  test('CLOSE closes the channel, however the operation ended', () => {
    for (const end of ['success', 'failure'] as const) {
      const channel = new EmbeddedChannel()
      const promise = channel.newPromise().addListener(ChannelFutureListener.CLOSE)
      assert.ok(channel.isOpen)
      if (end === 'success') promise.setSuccess()
      else promise.setFailure(new Error('of the operation'))
      assert.equal(channel.isOpen, false)
    }
  })

  test('CLOSE_ON_FAILURE closes the channel when the operation failed or was cancelled', () => {
    const channel = new EmbeddedChannel()
    channel.newPromise().addListener(ChannelFutureListener.CLOSE_ON_FAILURE).setSuccess()
    assert.ok(channel.isOpen)
    channel.newPromise().addListener(ChannelFutureListener.CLOSE_ON_FAILURE).cancel()
    assert.equal(channel.isOpen, false)
  })

  test('FIRE_EXCEPTION_ON_FAILURE fires exceptionCaught with the cause', () => {
    const seen: Error[] = []
    const channel = new EmbeddedChannel({ exceptionCaught: (_ctx, cause) => void seen.push(cause) })
    const cause = new Error('of the operation')
    channel.newPromise().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE).setSuccess()
    channel.newPromise().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE).setFailure(cause)
    assert.deepEqual(seen, [cause])
  })
})

describe('closeAfterFlush()', () => {
  test('flushes what handlers hold back, then closes; what is behind it is not written', () => {
    const channel = new EmbeddedChannel({ flush: (ctx) => void ctx.flush() })
    const first = channel.write(Buffer.from('first'))
    const closed = channel.closeAfterFlush()
    assert.deepEqual([first.isSuccess, closed.isSuccess, channel.isOpen], [true, true, false])
    assert.equal(String(channel.readOutbound()), 'first')
  })

  test('of a closed channel is done at once', () => {
    const channel = new EmbeddedChannel()
    channel.close()
    assert.equal(channel.closeAfterFlush().isSuccess, true)
  })
})
