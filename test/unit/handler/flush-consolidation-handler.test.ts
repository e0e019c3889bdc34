import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import { FlushConsolidationHandler, type FlushConsolidationHandlerOptions } from '@knotty/handler'
import { eventually } from '@knotty/testing'
import { type ChannelHandler, type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'
import { plainClient, serve } from '../../support/tcp.js'

/** Counts the flushes that come through. */
class FlushCounter implements ChannelHandler {
  flushes = 0

  flush(ctx: ChannelHandlerContext): void {
    this.flushes++
    ctx.flush()
  }
}

function consolidating(options: FlushConsolidationHandlerOptions = {}): { channel: EmbeddedChannel; handler: FlushConsolidationHandler; counter: FlushCounter } {
  const counter = new FlushCounter()
  const handler = new FlushConsolidationHandler(options)
  return { channel: new EmbeddedChannel(counter, handler), handler, counter }
}

describe('while a read is in progress', () => {
  test('flushes are held back until channelReadComplete', () => {
    const { channel, counter } = consolidating()
    for (let message = 0; message < 10; message++) {
      channel.pipeline.fireChannelRead(message)
      channel.writeAndFlush(message, null)
    }
    assert.deepEqual([counter.flushes, channel.outboundMessages.length], [0, 0])
    channel.pipeline.fireChannelReadComplete()
    assert.deepEqual([counter.flushes, channel.outboundMessages.length], [1, 10])
    channel.pipeline.fireChannelReadComplete()
    assert.equal(counter.flushes, 1, 'nothing to flush')
  })

  test('the flush of a handler in channelReadComplete is the same one', () => {
    const { channel, counter } = consolidating()
    channel.pipeline.addLast({ channelReadComplete: (ctx) => void ctx.writeAndFlush(2, null) } as ChannelHandler)
    channel.pipeline.fireChannelRead(1)
    channel.writeAndFlush(1, null)
    channel.pipeline.fireChannelReadComplete()
    assert.deepEqual([counter.flushes, channel.outboundMessages], [1, [1, 2]])
  })

  test('one goes through after explicitFlushAfterFlushes', () => {
    const { channel, counter } = consolidating({ explicitFlushAfterFlushes: 3 })
    channel.pipeline.fireChannelRead(1)
    const seen = Array.from({ length: 7 }, () => {
      channel.flush()
      return counter.flushes
    })
    assert.deepEqual(seen, [0, 0, 1, 1, 1, 2, 2])
    channel.pipeline.fireChannelReadComplete()
    assert.equal(counter.flushes, 3)
  })

  test('256 is the default', () => {
    const { channel, counter } = consolidating()
    channel.pipeline.fireChannelRead(1)
    for (let flush = 0; flush < 256; flush++) channel.flush()
    assert.equal(counter.flushes, 1)
  })

  const endings: [string, (channel: EmbeddedChannel, handler: FlushConsolidationHandler) => void][] = [
    ['close', (channel) => void channel.close()],
    ['disconnect', (channel) => void channel.disconnect()],
    ['an exception', (channel) => void channel.pipeline.fireExceptionCaught(new Error('expected'))],
    ['its removal', (channel, handler) => void channel.pipeline.remove(handler)],
    ['becoming unwritable', (channel) => void channel.write(Unpooled.wrappedBuffer(new Uint8Array(100_000)), null)],
  ]
  for (const [name, end] of endings) {
    for (const hasDisconnect of [true, false]) {
      test(`${name} flushes first, ${hasDisconnect ? 'with' : 'without'} a disconnect of its own`, () => {
        const counter = new FlushCounter()
        const handler = new FlushConsolidationHandler()
        const channel = EmbeddedChannel.with({ hasDisconnect }, counter, handler)
        channel.pipeline.fireChannelRead(1)
        const future = channel.writeAndFlush('held')
        assert.equal(future.isDone, false)
        end(channel, handler)
        assert.deepEqual([future.isSuccess, counter.flushes, channel.outboundMessages[0]], [true, 1, 'held'])
        channel.releaseOutbound()
      })
    }
  }
})

describe('outside of a read', () => {
  test('flushes pass', () => {
    const { channel, counter } = consolidating()
    channel.flush().flush()
    assert.equal(counter.flushes, 2)
    channel.pipeline.fireChannelRead(1)
    channel.pipeline.fireChannelReadComplete()
    channel.flush()
    assert.equal(counter.flushes, 3)
  })

  test('with consolidateWhenNoReadInProgress each turn of the loop has one, by one task', () => {
    const { channel, counter } = consolidating({ consolidateWhenNoReadInProgress: true })
    const { embeddedEventLoop: loop } = channel
    const { execute } = loop
    let tasks = 0
    loop.execute = (task) => {
      tasks++
      execute.call(loop, task)
    }
    for (let turn = 1; turn <= 3; turn++) {
      channel.flush().flush().flush()
      channel.runPendingTasks()
      assert.deepEqual([counter.flushes, tasks], [turn, turn])
    }
  })

  test('with consolidateWhenNoReadInProgress they wait for the end of the turn, 256 at most', () => {
    const { channel, counter } = consolidating({ consolidateWhenNoReadInProgress: true })
    channel.flush().flush().flush()
    assert.equal(counter.flushes, 0)
    channel.runPendingTasks()
    assert.equal(counter.flushes, 1)
    for (let flush = 0; flush < 256; flush++) channel.flush()
    assert.equal(counter.flushes, 2)
    channel.runPendingTasks()
    assert.equal(counter.flushes, 2)
  })
})

describe('several chunks in one turn of the loop', () => {
  test('are one read while each fills the slab; the short one ends it', () => {
    const { channel, counter } = consolidating()
    channel.config.autoRead = false // an EmbeddedChannel ends its turn at each read and write
    const chunk = (bytes: number): void => {
      channel.bytesRead += bytes
      channel.pipeline.fireChannelRead(bytes)
      channel.flush()
      channel.pipeline.fireChannelReadComplete()
    }
    chunk(65536)
    chunk(65536)
    assert.equal(counter.flushes, 0)
    chunk(1000)
    assert.equal(counter.flushes, 1)
    channel.runPendingTasks()
    assert.equal(counter.flushes, 1)
  })

  test('a full chunk nobody answered holds no flush back, and what was read before the handler came is no chunk', () => {
    const { channel, counter } = consolidating()
    channel.config.autoRead = false
    channel.bytesRead += 65536
    channel.pipeline.fireChannelRead(1)
    channel.pipeline.fireChannelReadComplete()
    channel.flush()
    assert.equal(counter.flushes, 1)
    const late = new FlushConsolidationHandler()
    channel.pipeline.replace(FlushConsolidationHandler, null, late)
    channel.bytesRead += 1
    channel.pipeline.fireChannelRead(1)
    channel.flush()
    channel.pipeline.fireChannelReadComplete()
    assert.equal(counter.flushes, 2)
  })

  test('and when no other follows, the end of the turn does', () => {
    const { channel, counter } = consolidating()
    channel.config.autoRead = false
    channel.bytesRead += 65536
    channel.pipeline.fireChannelRead(1)
    channel.writeAndFlush('answer', null)
    channel.pipeline.fireChannelReadComplete()
    assert.equal(counter.flushes, 0)
    channel.runPendingTasks()
    assert.deepEqual([counter.flushes, channel.outboundMessages], [1, ['answer']])
    channel.flush()
    assert.equal(counter.flushes, 2, 'the read is over')
  })

  test(
    'over a socket: a short answer to each chunk of a long upload leaves, and in fewer flushes than there were chunks',
    leakScope(async (scope) => {
      const counter = new FlushCounter()
      const total = 8 << 20
      let chunks = 0
      let received = 0
      const server = await serve(scope, scope.group(), () => [
        counter,
        new FlushConsolidationHandler(),
        {
          channelRead(ctx, msg) {
            chunks++
            received += (msg as ByteBuf).readableBytes
            ;(msg as ByteBuf).release()
            ctx.writeAndFlush(Unpooled.wrappedBuffer(new Uint8Array(received === total ? 2 : 1)), null)
          },
        } as ChannelHandler,
      ])
      const client = await plainClient(scope, server.port)
      let answered = 0
      client.on('data', (bytes) => (answered += bytes.length))
      client.write(new Uint8Array(total))
      await eventually(() => assert.deepEqual([received, answered], [total, chunks + 1]), 20_000)
      assert.ok(counter.flushes >= 1 && counter.flushes <= chunks, `${counter.flushes} flushes for ${chunks} chunks`)
    }),
  )
})

test('refuses a limit that is none', () => {
  assert.throws(() => new FlushConsolidationHandler({ explicitFlushAfterFlushes: 0 }), IllegalArgumentError)
})
