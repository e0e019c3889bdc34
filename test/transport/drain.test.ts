import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import {
  Bootstrap,
  type Channel,
  type ChannelHandler,
  type ChannelHandlerContext,
  DrainEvent,
  type DrainReport,
  EventLoopGroup,
  ServerBootstrap,
  type SocketAddress,
} from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { ServerOf } from '../support/transport-server.js'
import { ALL_TRANSPORTS, LOCAL, SOME_TCP } from '../support/transports.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

/** Closes when it is told to finish. */
const polite: ChannelHandler = {
  isSharable: true,
  userEventTriggered(ctx: ChannelHandlerContext, event: unknown) {
    if (event instanceof DrainEvent) ctx.close()
    else ctx.fireUserEventTriggered(event)
  },
}

/** Keeps every close to itself. */
const stubborn: ChannelHandler = { isSharable: true, close: (_ctx: unknown) => undefined }

for (const transport of ALL_TRANSPORTS) {
  describe(`drain() of a server, ${transport.name}`, () => {
    test(
      'without connections stops accepting and is done at once',
      leakScope(async (scope) => {
        const server = await ServerOf.bind(scope, scope.group(), transport)
        const { address } = server
        const drained = server.channel.drain()
        assert.deepEqual([drained.isSuccess, server.channel.isOpen], [true, false])
        assert.deepEqual(await drained, { ended: 0, forced: 0 })
        await assert.rejects(server.connect(), { code: /ECONNREFUSED|ENOENT/ }, `at ${String(address)}`)
      }),
    )

    test(
      'tells each connection once, and reports those that end by themselves',
      leakScope(async (scope) => {
        const told: Channel[] = []
        const server = await ServerOf.bind(scope, scope.group(), transport, {
          handlers: () => [
            {
              userEventTriggered(ctx, event) {
                if (event instanceof DrainEvent) told.push(ctx.channel)
                ctx.fireUserEventTriggered(event)
              },
            },
            polite,
          ],
        })
        const clients = await server.connectAll(3)
        assert.deepEqual(await server.channel.drain({ deadlineMs: 30_000 }), { ended: 3, forced: 0 })
        assert.deepEqual(told, server.accepted)
        for (const client of clients) await client.closeFuture
      }),
    )

    test(
      'waits for connections that go on: they are served until their peers close them',
      leakScope(async (scope) => {
        const server = await ServerOf.bind(scope, scope.group(), transport, {
          handlers: () => [{ channelRead: (ctx, msg) => ctx.writeAndFlush(msg, null) }],
        })
        const answers: unknown[] = []
        const clients = await server.connectAll(2, () => [{ channelRead: (_ctx, msg) => void answers.push(msg) }])
        const drained = server.channel.drain({ deadlineMs: 30_000 })
        for (const client of clients) client.writeAndFlush(Buffer.from('late'), null)
        await eventually(() => assert.equal(answers.length, 2))
        await clients[0]?.close()
        await server.accepted[0]?.closeFuture
        assert.equal(drained.isDone, server.accepted[1]?.isOpen === false)
        await clients[1]?.close()
        assert.deepEqual(await drained, { ended: 2, forced: 0 })
      }),
    )

    test(
      'closes at the deadline what is left, also past handlers that keep close() to themselves, and reports how many',
      leakScope(async (scope) => {
        let accepted = 0
        const server = await ServerOf.bind(scope, scope.group(), transport, {
          handlers: () => [[polite], [], [stubborn]][accepted++ % 3] as ChannelHandler[],
        })
        const clients = await server.connectAll(6)
        const drained = await server.channel.drain({ deadlineMs: 400 })
        assert.deepEqual(drained, { ended: 2, forced: 4 })
        assert.ok(server.accepted.every((child) => !child.isOpen))
        for (const client of clients) await client.closeFuture
      }),
    )

    test('refuses connections that an async initializer holds, and does not count them', async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        let accepted = 0
        const server = await ServerOf.bind(scope, scope.group(), transport, {
          initializer: () => (accepted++ === 0 ? undefined : new Promise<void>(() => undefined)),
        })
        await server.connectAll(1)
        const held = [await server.connect(), await server.connect()]
        await eventually(() => assert.equal(server.channel.connectionCount, 3))
        const drained = server.channel.drain({ deadlineMs: 0 })
        assert.deepEqual(server.refused.map(({ reason }) => reason), Array(2).fill('the server was closed meanwhile'))
        assert.deepEqual(await drained, { ended: 0, forced: 1 })
        for (const client of held) await client.closeFuture
        assert.equal(server.channel.connectionCount, 0)
      })()
    })
  })
}

describe('drain() of a server', () => {
  test(
    'called again gives the same future, also when it is done',
    leakScope(async (scope) => {
      const server = await ServerOf.bind(scope, scope.group(), SOME_TCP, { handlers: () => [polite] })
      await server.connectAll(1)
      const first = server.channel.drain()
      assert.equal(server.channel.drain({ deadlineMs: 20_000 }), first)
      await first
      assert.equal(server.channel.drain({ deadlineMs: 0 }), first)
    }),
  )

  test(
    'called again with an earlier deadline ends then, with a later one as before',
    leakScope(async (scope) => {
      const server = await ServerOf.bind(scope, scope.group(), SOME_TCP)
      await server.connectAll(1)
      const first = server.channel.drain({ deadlineMs: 0x7fffffff })
      void server.channel.drain({ deadlineMs: 40 })
      void server.channel.drain({ deadlineMs: 0x7fffffff })
      assert.deepEqual(await first, { ended: 0, forced: 1 })
    }),
  )

  test(
    'of a server that is closed already waits for the connections it has left',
    leakScope(async (scope) => {
      const server = await ServerOf.bind(scope, scope.group(), SOME_TCP, { handlers: () => [polite] })
      await server.connectAll(2)
      await server.channel.close()
      assert.deepEqual(await server.channel.drain(), { ended: 2, forced: 0 })
    }),
  )

  test(
    'counts connections that its own handlers close when they see the server close',
    leakScope(async (scope) => {
      const children: Channel[] = []
      const server = await ServerOf.bind(scope, scope.group(), SOME_TCP, {
        initializer: (child) => void children.push(child),
        handler: {
          close(ctx, promise) {
            for (const child of children) child.close()
            ctx.close(promise)
          },
        },
      })
      await server.connectAll(3)
      assert.deepEqual(await server.channel.drain(), { ended: 3, forced: 0 })
    }),
  )

  test(
    'ends when the group is shut down meanwhile: its connections count as ended',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await ServerOf.bind(scope, group, SOME_TCP, { handlers: () => [stubborn] })
      const clients = await server.connectAll(2)
      const drained = server.channel.drain({ deadlineMs: 0x7fffffff })
      await group.shutdownGracefully({ quietPeriodMs: 0 })
      assert.deepEqual(await drained, { ended: 2, forced: 0 })
      for (const client of clients) await client.closeFuture
    }),
  )

  test(
    'during the quiet period of its group still ends at its own deadline',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await ServerOf.bind(scope, group, SOME_TCP)
      await server.connectAll(1)
      void group.shutdownGracefully({ quietPeriodMs: 2000 })
      assert.deepEqual(await server.channel.drain({ deadlineMs: 20 }), { ended: 0, forced: 1 })
      assert.equal(group.isTerminated, false)
      await group.terminationFuture
    }),
  )

  test(
    'asked for by a handler of a connection tells that handler after it has returned',
    leakScope(async (scope) => {
      const log: string[] = []
      let drained: PromiseLike<DrainReport> | undefined
      const server: ServerOf = await ServerOf.bind(scope, scope.group(), LOCAL, {
        handlers: () => [
          {
            channelRead() {
              drained = server.channel.drain()
              log.push('read')
            },
            userEventTriggered(ctx) {
              log.push('told')
              ctx.close()
            },
          },
        ],
      })
      const [client] = await server.connectAll(1)
      client?.writeAndFlush('drain', null)
      await client?.closeFuture
      assert.deepEqual([log, await drained], [['read', 'told'], { ended: 1, forced: 0 }])
    }),
  )

  test(
    'asked for by an initializer waits for that connection too, or closes it when the drain is over by then',
    leakScope(async (scope) => {
      for (const others of [1, 0]) {
        let drained: PromiseLike<DrainReport> | undefined
        const server: ServerOf = await ServerOf.bind(scope, scope.group(), SOME_TCP, {
          initializer(child) {
            child.pipeline.addLast(polite)
            if (server.accepted.length === others) drained = server.channel.drain()
          },
        })
        await server.connectAll(others)
        const last = await server.connect()
        await last.closeFuture
        assert.deepEqual(await drained, { ended: others * 2, forced: 0 })
        await eventually(() => assert.equal(server.channel.connectionCount, 0))
      }
    }),
  )

  test(
    'goes on when a handler throws at the event: that connection is closed',
    leakScope(async (scope) => {
      const server = await ServerOf.bind(scope, scope.group(), SOME_TCP, {
        handlers: () => [
          {
            userEventTriggered() {
              throw new Error('cannot finish')
            },
            exceptionCaught: (ctx) => void ctx.close(),
          },
        ],
      })
      await server.connectAll(2)
      assert.deepEqual(await server.channel.drain(), { ended: 2, forced: 0 })
    }),
  )

  test(
    'refuses a deadline that is none',
    leakScope(async (scope) => {
      const server = await ServerOf.bind(scope, scope.group(), LOCAL)
      for (const deadlineMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as never]) {
        assert.throws(() => server.channel.drain({ deadlineMs }), IllegalArgumentError)
      }
      assert.throws(() => server.channel.drain(null as never), IllegalArgumentError)
      assert.ok(server.channel.isOpen)
    }),
  )

  // Not in a leak scope: that keeps the futures it watches, and they their channels.
  test('keeps none of the connections it has waited for, though the server is kept', async () => {
    const connections: WeakRef<Channel>[] = []
    await using group = new EventLoopGroup()
    const server = await new ServerBootstrap()
      .group(group)
      .childHandler((channel) => void connections.push(new WeakRef(channel)))
      .bind({ localId: '' })
    for (let index = 0; index < 5; index++) await new Bootstrap().group(group).handler({}).connect(server.localAddress as SocketAddress)
    await eventually(() => assert.equal(server.connectionCount, 5))
    assert.deepEqual(await server.drain({ deadlineMs: 0 }), { ended: 0, forced: 5 })
    await eventually(() => {
      ;(globalThis as { gc?: () => void }).gc?.()
      assert.equal(connections.filter((each) => each.deref() !== undefined).length, 0)
    })
    assert.equal(server.isOpen, false)
  })
})
