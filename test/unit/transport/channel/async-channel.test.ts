import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Unpooled } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import {
  AsyncChannel,
  type AsyncChannelServer,
  type Channel,
  ChannelInitializer,
  ClosedChannelError,
  EmbeddedChannel,
  type OutboundBuffer,
} from '@knotty/transport'
import { leakScope } from '../../../support/leak-scope.js'
import { connectTo, deferred, LOCAL_PLACE, serveAt } from '../../../support/tcp.js'
import { messagesOf, recordLogs } from './recorded-logs.js'

const shout: AsyncChannelServer<string, string> = async (ch) => {
  for await (const msg of ch.inbound) await ch.outbound.write(msg.toUpperCase())
}

describe('serve', () => {
  test('calls the server once the channel is active, with all messages', async () => {
    const channel = EmbeddedChannel.with({ register: false })
    let calls = 0
    channel.pipeline.addLast(
      AsyncChannel.serve<string, string>((ch) => {
        calls++
        assert.equal(ch.channel, channel)
        return shout(ch)
      }),
    )
    assert.equal(calls, 0)
    channel.register()
    assert.equal(calls, 1)
    channel.writeInbound('a', 'b')
    await nextTurn()
    assert.deepEqual(channel.outboundMessages, ['A', 'B'])
    channel.finish()
  })

  test('added to a channel that is active already, it starts in a task', async () => {
    const channel = new EmbeddedChannel()
    channel.pipeline.addLast(AsyncChannel.serve(shout))
    channel.writeInbound('a')
    await nextTurn()
    assert.deepEqual(channel.outboundMessages, ['A'])
    channel.finish()
  })

  test('added behind, or within, an async initializer that comes late, it starts too', async () => {
    for (const within of [true, false]) {
      const channel = new EmbeddedChannel()
      const ready = deferred()
      channel.pipeline.addLast(
        new ChannelInitializer(async (ch) => {
          if (within) ch.pipeline.addLast(AsyncChannel.serve(shout))
          await ready.promise
        }),
      )
      if (!within) {
        ready.resolve()
        await nextTurn()
        channel.pipeline.addLast(AsyncChannel.serve(shout))
      }
      channel.writeInbound('a')
      await nextTurn()
      assert.deepEqual(channel.outboundMessages, ['A'])
      ready.resolve()
      await nextTurn()
      channel.finish()
    }
  })

  test('is not started on a channel that is closed in the meantime', async () => {
    const channel = EmbeddedChannel.with({ freezeTime: true })
    let calls = 0
    const { eventLoop } = channel
    const { execute } = eventLoop
    const tasks: (() => void)[] = []
    eventLoop.execute = (task) => void tasks.push(task)
    channel.pipeline.addLast(AsyncChannel.serve(async () => void calls++))
    eventLoop.execute = execute
    channel.close()
    for (const task of tasks) task()
    assert.deepEqual([tasks.length, calls], [1, 0])
  })

  test('releases what waits when the promise rejects', async () => {
    const failing = deferred()
    const channel = new EmbeddedChannel(AsyncChannel.serve(() => failing.promise))
    channel.pipeline.closeOnUncaught = false
    const unread = Unpooled.buffer(1)
    channel.writeInbound(unread)
    failing.reject(new RangeError('no'))
    await nextTurn()
    assert.deepEqual([channel.isOpen, unread.refCnt], [false, 0])
    assert.throws(() => channel.checkException(), /no/)
  })

  test('closes the channel when the promise resolves, and releases what waits', async () => {
    const channel = new EmbeddedChannel(AsyncChannel.serve(async (ch) => ch.outbound.write('bye')))
    const unread = Unpooled.buffer(1)
    channel.writeInbound(unread)
    await nextTurn()
    assert.equal(channel.isOpen, false)
    assert.equal(channel.readOutbound(), 'bye')
    assert.equal(unread.refCnt, 0)
  })

  test('closes the channel behind what was written, also when nobody awaited that', async () => {
    class Stalled extends EmbeddedChannel {
      declare isStalled: boolean
      protected override doWrite(outboundBuffer: OutboundBuffer): void {
        if (!this.isStalled) super.doWrite(outboundBuffer)
      }
    }
    const channel = new Stalled()
    channel.isStalled = true
    let calls = 0
    channel.pipeline.addLast(
      AsyncChannel.serve(async (ch) => {
        calls++
        void ch.outbound.write('bye')
      }),
    )
    await nextTurn()
    channel.runPendingTasks()
    channel.pipeline.fireChannelActive()
    await nextTurn()
    assert.deepEqual([calls, channel.isOpen, channel.outboundMessages], [1, true, []])
    channel.isStalled = false
    channel.flush()
    assert.deepEqual([channel.isOpen, channel.outboundMessages[0]], [false, 'bye'])
  })

  test('closes the channel when it rejects, and the tail tells of it', async () => {
    for (const server of [
      async () => {
        throw new Error('in the server')
      },
      () => {
        throw new Error('in the server')
      },
    ]) {
      const channel = new EmbeddedChannel(AsyncChannel.serve(server))
      await nextTurn()
      assert.equal(channel.isOpen, false)
      assert.throws(() => channel.checkException(), /in the server/)
    }
  })

  test("an error of the pipeline that the server does not catch reaches the tail behind it", async () => {
    const channel = new EmbeddedChannel(AsyncChannel.serve(shout))
    channel.pipeline.fireExceptionCaught(new Error('decoder'))
    channel.checkException()
    await nextTurn()
    assert.throws(() => channel.checkException(), /decoder/)
  })

  test('a connection that ends while it is served is nothing to tell', async (t) => {
    const logs = recordLogs(t)
    const ended = deferred<unknown>()
    const channel = new EmbeddedChannel(
      AsyncChannel.serve(async (ch) => {
        await nextTurn()
        await ch.outbound.write('too late').catch((error: unknown) => {
          ended.resolve(error)
          throw error
        })
      }),
    )
    channel.close()
    assert.ok((await ended.promise) instanceof ClosedChannelError)
    await nextTurn()
    channel.checkException()
    assert.deepEqual(messagesOf(logs, 'warn'), [])
    assert.equal(messagesOf(logs, 'debug').length, 1)
  })

  test('waits for an async initializer', leakScope(async (scope) => {
    const group = scope.group()
    const log: string[] = []
    const ready = deferred()
    const server = await serveAt(scope, group, LOCAL_PLACE, () => [
      {
        handlerAdded(ctx) {
          ctx.pipeline.holdRegistration(ready.promise.then(() => void log.push('ready')))
        },
      },
      AsyncChannel.serve(async () => void log.push('served')),
    ])
    const client = await connectTo(scope, group, server.address)
    for (let i = 0; i < 5; i++) await nextTurn()
    assert.deepEqual(log, [])
    ready.resolve()
    await client.closeFuture
    assert.deepEqual(log, ['ready', 'served'])
  }))

  test('what is no function is refused', () => {
    assert.throws(() => AsyncChannel.serve(undefined as unknown as AsyncChannelServer<unknown, unknown>), IllegalArgumentError)
  })
})

test('one instance serves one channel', () => {
  const ch = new AsyncChannel()
  const channel = new EmbeddedChannel(ch)
  assert.throws(() => new EmbeddedChannel().pipeline.addLast(ch), /not.*sharable|sharable/i)
  channel.finish()
})

test('within the process: requests and responses in order, and the end of one side ends the other', leakScope(async (scope) => {
  const group = scope.group()
  const server = await serveAt(scope, group, LOCAL_PLACE, () => [AsyncChannel.serve(shout)])
  const ch = new AsyncChannel<string, string>()
  const client: Channel = await connectTo(scope, group, server.address, [ch])
  assert.equal(ch.channel, client)
  const words = Array.from({ length: 100 }, (_, index) => `word ${index}`)
  const answers: string[] = []
  const reading = (async () => {
    for await (const answer of ch.inbound) {
      answers.push(answer)
      if (answers.length === words.length) break
    }
  })()
  for (const word of words) await ch.outbound.write(word)
  await reading
  assert.deepEqual(answers, words.map((word) => word.toUpperCase()))
  assert.equal(client.isOpen, false)
  await (await server.child()).closeFuture
}))
