import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RejectedExecutionError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import { Bootstrap, type ChannelHandler, ClosedChannelError, EventLoopGroup, NetSocketChannel, ServerBootstrap } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { ServerOf } from '../support/transport-server.js'
import { ALL_TRANSPORTS, NET_TCP } from '../support/transports.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

const echo: ChannelHandler = { isSharable: true, channelRead: (ctx, msg) => ctx.writeAndFlush(msg, null) }
const stubborn: ChannelHandler = { isSharable: true, close: (_ctx: unknown) => undefined }

for (const transport of ALL_TRANSPORTS) {
  describe(`shutdownGracefully(), ${transport.name}`, () => {
    test('stops accepting and registering at once, serves open connections through the quiet period, then closes them', async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const group = scope.group()
        const own = scope.group() // of the clients, which go on
        const server = await ServerOf.bind(scope, group, transport, { handlers: () => [echo], clients: own })
        const { address } = server
        let answered = 0
        const [client] = await server.connectAll(1, () => [{ channelRead: () => void answered++ }])
        const ended = group.shutdownGracefully({ quietPeriodMs: 100 })
        const busy = setInterval(() => group.execute(() => undefined), 10) // each task begins the quiet period anew
        assert.deepEqual([server.channel.isOpen, group.isTerminated], [false, false])
        const late = transport.newClient()
        assert.ok(group.register(late).cause instanceof RejectedExecutionError)
        assert.equal(late.isOpen, false)
        const connecting = new Bootstrap().group(group).channel(() => transport.newClient()).handler({}).connect(address)
        await assert.rejects(Promise.resolve(connecting), RejectedExecutionError)
        const binding = new ServerBootstrap().group(group).channel(() => transport.newServer()).childHandler(() => undefined)
        await assert.rejects(Promise.resolve(binding.bind(transport.address(scope))), RejectedExecutionError)
        await assert.rejects(server.connect(), { code: /ECONNREFUSED|ENOENT/ })
        client?.writeAndFlush(Buffer.from('x'), null)
        await eventually(() => assert.equal(answered, 1))
        assert.ok(server.accepted[0]?.isActive)
        clearInterval(busy)
        await ended
        assert.deepEqual([server.accepted[0]?.isOpen, group.next().channelCount], [false, 0])
        await client?.closeFuture
      })()
    })

    test(
      'closes channels whose handlers keep close() to themselves, and fails what they had to write',
      leakScope(async (scope) => {
        const group = scope.group()
        const server = await ServerOf.bind(scope, group, transport, { handlers: () => [stubborn] })
        const clients = await server.connectAll(3, () => [stubborn])
        const write = clients[0]?.write(Buffer.from('x'))
        await group.shutdownGracefully({ quietPeriodMs: 0 })
        assert.ok([...clients, ...server.accepted].every((channel) => !channel.isOpen))
        assert.ok(write?.cause instanceof ClosedChannelError)
        assert.equal(group.next().channelCount, 0)
      }),
    )

    test(
      'ends at the timeout although connections keep the loop busy',
      leakScope(async (scope) => {
        const group = scope.group()
        const server = await ServerOf.bind(scope, group, transport, { handlers: () => [echo] })
        const clients = await server.connectAll(2, () => [echo])
        for (const client of clients) client.writeAndFlush(Buffer.from('for ever'), null)
        let stopped = false
        const again = (): void => {
          if (!stopped && !group.isTerminated) group.execute(again)
        }
        again()
        await group.shutdownGracefully({ quietPeriodMs: 50, timeoutMs: 80 })
        stopped = true
        assert.ok([...clients, ...server.accepted].every((channel) => !channel.isOpen))
      }),
    )

    test(
      'tells each channel that it is inactive and unregistered before it ends',
      leakScope(async (scope) => {
        const group = scope.group()
        const log: string[] = []
        const recorder = (): ChannelHandler => ({
          channelInactive(ctx) {
            log.push('inactive')
            ctx.fireChannelInactive()
          },
          channelUnregistered: () => void log.push('unregistered'),
          handlerRemoved: () => void log.push('removed'),
        })
        const server = await ServerOf.bind(scope, group, transport, { handlers: () => [recorder()], handler: recorder() })
        await server.connectAll(1)
        await group.shutdownGracefully({ quietPeriodMs: 0 })
        assert.deepEqual(log, ['inactive', 'unregistered', 'removed', 'inactive', 'unregistered', 'removed'])
      }),
    )

    test('refuses connections that an initializer holds, and waits for none of them', async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const group = scope.group()
        const server = await ServerOf.bind(scope, group, transport, { initializer: () => new Promise<void>(() => undefined) })
        const client = await server.connect()
        await eventually(() => assert.equal(server.channel.connectionCount, 1))
        await group.shutdownGracefully({ quietPeriodMs: 0 })
        assert.deepEqual(server.refused.map(({ reason }) => reason), ['the server was closed meanwhile'])
        await client.closeFuture
      })()
    })

    test(
      'of a group that has only ever bound ends without a connection',
      leakScope(async (scope) => {
        const group = new EventLoopGroup()
        const server = await ServerOf.bind(scope, group, transport)
        await group.shutdownGracefully({ quietPeriodMs: 0 })
        assert.deepEqual([server.channel.isOpen, group.isTerminated], [false, true])
      }),
    )
  })
}

describe('shutdownGracefully()', () => {
  test('ends at the timeout although a channel cannot be deregistered, and says so', async (t) => {
    class Broken extends NetSocketChannel {
      protected override doDeregister(): void {
        throw new Error('cannot be deregistered')
      }
    }
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const transport = { ...NET_TCP, newClient: () => new Broken() }
      const server = await ServerOf.bind(scope, group, transport)
      const [client] = await server.connectAll(1)
      await group.shutdownGracefully({ quietPeriodMs: 0, timeoutMs: 30 })
      assert.deepEqual([client?.isOpen, group.next().channelCount], [false, 0])
    })()
    assert.deepEqual(logs.filter(({ level }) => level === 'error').length, 1)
  })
})
