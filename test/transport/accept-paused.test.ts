import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelHandler, ChannelOption, ClosedChannelError, NetServerChannel, ServerBootstrap } from '@knotty/transport'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { option } from '../support/tcp.js'
import { ServerOf, type ServerSettings } from '../support/transport-server.js'
import { ALL_TRANSPORTS, freePath, LOCAL, type TestTransport } from '../support/transports.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

const REASON = 'the server does not accept now (AUTO_READ is off)'
const OFF = option(ChannelOption.AUTO_READ, false)
const echo: ChannelHandler = { isSharable: true, channelRead: (ctx, msg) => ctx.writeAndFlush(msg, null) }

/** A client that sends a byte at once, and counts what it gets back. */
class Pinger implements ChannelHandler {
  static answered = 0
  readonly closed: Promise<Channel>
  private tellClosed!: (channel: Channel) => void

  constructor() {
    this.closed = new Promise((resolve) => (this.tellClosed = resolve))
  }

  channelActive(ctx: Parameters<NonNullable<ChannelHandler['channelActive']>>[0]): void {
    ctx.writeAndFlush(Buffer.from('x'), null)
  }

  channelRead(): void {
    Pinger.answered++
  }

  channelInactive(ctx: Parameters<NonNullable<ChannelHandler['channelInactive']>>[0]): void {
    this.tellClosed(ctx.channel)
  }

  exceptionCaught(): void {}
}

async function bind(scope: LeakScope, transport: TestTransport, settings: ServerSettings = {}): Promise<ServerOf> {
  Pinger.answered = 0
  return ServerOf.bind(scope, scope.group(), transport, { handlers: () => [echo], ...settings })
}

/** So many clients whose kernel has connected them. */
async function pingers(server: ServerOf, count: number): Promise<Pinger[]> {
  const all = Array.from({ length: count }, () => new Pinger())
  await Promise.all(all.map((each) => server.connect([each])))
  return all
}

/** Long enough for libuv to accept what it can: one connection a turn. */
async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const PARKING = ALL_TRANSPORTS.filter((each) => each.parks)
const SHEDDING = ALL_TRANSPORTS.filter((each) => !each.parks)

for (const transport of PARKING) {
  describe(`AUTO_READ off on a server that can wait, ${transport.name}`, () => {
    test(
      'leaves clients in the queue; all are served when it is on again, and none is refused',
      leakScope(async (scope) => {
        const server = await bind(scope, transport)
        server.channel.config.autoRead = false
        await pingers(server, 5)
        await turns()
        assert.deepEqual([server.accepted.length, Pinger.answered], [0, 0])
        server.channel.config.autoRead = true
        await eventually(() => assert.equal(Pinger.answered, 5))
        await pingers(server, 3)
        await eventually(() => assert.equal(Pinger.answered, 8))
        assert.deepEqual([server.accepted.length, server.refused], [8, []])
      }),
    )

    test(
      'at bind accepts nothing until read(), and each read() accepts exactly one',
      leakScope(async (scope) => {
        const server = await bind(scope, transport, { options: [OFF] })
        await pingers(server, 4)
        await turns()
        assert.equal(server.accepted.length, 0)
        for (let read = 1; read <= 3; read++) {
          server.channel.read().read()
          await eventually(() => assert.equal(Pinger.answered, read))
          await turns()
          assert.equal(server.accepted.length, read)
        }
        server.channel.config.autoRead = true
        await eventually(() => assert.equal(Pinger.answered, 4))
        assert.deepEqual(server.refused, [])
      }),
    )

    test(
      'read() ahead of any client accepts the first that comes',
      leakScope(async (scope) => {
        const server = await bind(scope, transport, { options: [OFF] })
        server.channel.read()
        await turns()
        await pingers(server, 2)
        await eventually(() => assert.equal(Pinger.answered, 1))
        await turns()
        assert.equal(server.accepted.length, 1)
        server.channel.read()
        await eventually(() => assert.equal(Pinger.answered, 2))
      }),
    )

    test(
      'set inside channelRead of the server admits that connection and lets the next ones wait',
      leakScope(async (scope) => {
        const server = await bind(scope, transport, {
          handler: {
            channelRead(ctx, child) {
              ctx.channel.config.autoRead = false
              ctx.fireChannelRead(child)
            },
          },
        })
        await pingers(server, 3)
        for (let count = 1; count <= 3; count++) {
          await eventually(() => assert.equal(Pinger.answered, count))
          await turns()
          assert.equal(server.accepted.length, count)
          server.channel.config.autoRead = true
        }
        assert.deepEqual(server.refused, [])
      }),
    )

    test(
      'with a handler of the server that asks for the next one in channelReadComplete accepts one after the other',
      leakScope(async (scope) => {
        const server = await bind(scope, transport, {
          options: [OFF],
          handler: {
            channelActive(ctx) {
              ctx.fireChannelActive()
              ctx.read()
            },
            channelReadComplete: (ctx) => void ctx.read(),
          },
        })
        await pingers(server, 6)
        await eventually(() => assert.equal(Pinger.answered, 6))
        assert.deepEqual(server.refused, [])
      }),
    )

    test(
      'switched off and on many times loses nobody',
      leakScope(async (scope) => {
        const server = await bind(scope, transport)
        const { config } = server.channel
        const clients: Promise<Pinger[]>[] = []
        for (let round = 0; round < 40; round++) {
          config.autoRead = round % 2 === 0
          if (round % 3 === 0) config.autoRead = !config.autoRead
          if (round % 5 === 0) server.channel.read()
          clients.push(pingers(server, 1))
          if (round % 4 === 0) await turns(1)
        }
        await Promise.all(clients)
        config.autoRead = false
        config.autoRead = true
        await eventually(() => assert.equal(Pinger.answered, 40))
        assert.deepEqual(server.refused, [])
      }),
    )

    test(
      'closed meanwhile leaves no socket behind, and the waiting clients see the end',
      leakScope(async (scope) => {
        const server = await bind(scope, transport)
        server.channel.config.autoRead = false
        const waiting = await pingers(server, 3)
        await server.channel.close()
        for (const each of waiting) await each.closed
        await assert.rejects(server.connect(), { code: 'ECONNREFUSED' })
        server.channel.read()
        server.channel.config.autoRead = true
        assert.deepEqual([server.accepted.length, server.channel.isOpen], [0, false])
      }),
    )

    test(
      'and its group shut down meanwhile leaves no socket behind',
      leakScope(async (scope) => {
        const group = scope.group()
        const server = await ServerOf.bind(scope, group, transport, { options: [OFF] })
        await group.shutdownGracefully({ quietPeriodMs: 0 })
        assert.deepEqual([server.channel.isOpen, group.next().channelCount], [false, 0])
      }),
    )
  })
}

for (const transport of SHEDDING) {
  describe(`AUTO_READ off on a server that cannot wait, ${transport.name}`, () => {
    test('refuses clients with the event and the counter, and serves again when it is on', async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const server = await bind(scope, transport)
        const { counters } = server.channel.eventLoop
        server.channel.config.autoRead = false
        for (const each of await pingers(server, 5)) await each.closed
        await eventually(() => assert.equal(server.refused.length, 5))
        assert.ok(server.refused.every(({ reason, cause }) => reason === REASON && cause === undefined))
        assert.deepEqual([counters.refused, counters.accepted, server.accepted.length], [5, 5, 0])
        server.channel.config.autoRead = true
        await pingers(server, 3)
        await eventually(() => assert.equal(Pinger.answered, 3))
        assert.equal(counters.refused, 5)
      })()
    })

    test('at bind: each read() admits exactly one client, the others are refused', async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const server = await bind(scope, transport, { options: [OFF] })
        for (const each of await pingers(server, 2)) await each.closed
        for (let read = 1; read <= 2; read++) {
          server.channel.read()
          await pingers(server, 3)
          await eventually(() => assert.deepEqual([Pinger.answered, server.refused.length], [read, 2 + read * 2]))
        }
      })()
    })
  })
}

describe('AUTO_READ off on a local server', () => {
  test(
    'keeps at most SO_BACKLOG clients waiting, and refuses the next with ECONNREFUSED',
    leakScope(async (scope) => {
      const server = await bind(scope, LOCAL, { options: [OFF, option(ChannelOption.SO_BACKLOG, 2)] })
      await pingers(server, 2)
      await assert.rejects(server.connect(), { code: 'ECONNREFUSED' })
      server.channel.read()
      await eventually(() => assert.equal(Pinger.answered, 1))
      await pingers(server, 1)
      await assert.rejects(server.connect(), { code: 'ECONNREFUSED' })
      server.channel.config.autoRead = true
      await eventually(() => assert.equal(Pinger.answered, 3))
      assert.deepEqual(server.refused, [])
    }),
  )

  test(
    'accepts a client that has closed meanwhile and sees its end',
    leakScope(async (scope) => {
      const ends: string[] = []
      const server = await bind(scope, LOCAL, { options: [OFF], handlers: () => [{ channelInactive: () => void ends.push('inactive') }] })
      const client = await server.connect()
      await client.close()
      server.channel.read()
      await eventually(() => assert.deepEqual(ends, ['inactive']))
    }),
  )
})

describe('a server', () => {
  test(
    'fires its channelActive before the first connection, also when that comes in the same turn of the loop',
    leakScope(async (scope) => {
      const log: string[] = []
      const path = freePath(scope)
      const bootstrap = new ServerBootstrap()
        .group(scope.group())
        .channel(() => new NetServerChannel())
        .childHandler((child) => void child.pipeline.addLast(echo))
        .handler({
          channelActive(ctx) {
            log.push('active')
            ctx.fireChannelActive()
          },
          channelRead(ctx, child) {
            log.push('read')
            ctx.fireChannelRead(child)
          },
        })
      const answered = new Promise<void>((resolve) => {
        bootstrap.bind(path).addListener((bound) => {
          const client = net.connect(path, () => client.write('x'))
          client.once('data', () => resolve())
          scope.onEnd(() => client.destroy())
          scope.onEnd(() => bound.channel.close())
        })
      })
      await answered
      assert.deepEqual(log, ['active', 'read'])
    }),
  )

  test('that is parked fails what its clients write when it is closed', async () => {
    await leakScope(async (scope) => {
      const server = await bind(scope, LOCAL, { options: [OFF] })
      const client = await server.connect([{ exceptionCaught: () => undefined }])
      await server.channel.close()
      await client.closeFuture
      await assert.rejects(Promise.resolve(client.writeAndFlush('x')), ClosedChannelError)
    })()
  })
})

describe('a server that is deregistered and still open', () => {
  for (const transport of PARKING) {
    test(
      `lets clients wait until it is registered again, ${transport.name}`,
      leakScope(async (scope) => {
        const group = scope.group()
        const server = await ServerOf.bind(scope, group, transport, { handlers: () => [echo] })
        Pinger.answered = 0
        await server.channel.deregister()
        server.channel.read() // asks for nothing: there is no event loop
        await pingers(server, 3)
        await turns()
        assert.deepEqual([server.channel.isActive, server.accepted.length, server.refused.length], [true, 0, 0])
        await group.register(server.channel)
        await eventually(() => assert.equal(Pinger.answered, 3))
        await pingers(server, 2)
        await eventually(() => assert.equal(Pinger.answered, 5))
        assert.deepEqual(server.refused, [])
      }),
    )

    test(
      `with AUTO_READ off accepts the one that was asked for when it is registered again, ${transport.name}`,
      leakScope(async (scope) => {
        const group = scope.group()
        const server = await ServerOf.bind(scope, group, transport, { handlers: () => [echo], options: [OFF] })
        Pinger.answered = 0
        server.channel.read()
        await server.channel.deregister()
        await pingers(server, 2)
        await turns()
        assert.equal(server.accepted.length, 0)
        await group.register(server.channel)
        await eventually(() => assert.equal(Pinger.answered, 1))
        await turns()
        assert.deepEqual([server.accepted.length, server.refused.length], [1, 0])
      }),
    )
  }

  for (const transport of SHEDDING) {
    test(`refuses clients until it is registered again, ${transport.name}`, async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const group = scope.group()
        const server = await ServerOf.bind(scope, group, transport, { handlers: () => [echo] })
        Pinger.answered = 0
        await server.channel.deregister()
        const [refused] = await pingers(server, 1)
        await refused?.closed
        assert.deepEqual(server.refused.map((event) => event.reason), ['the server is not registered to an event loop'])
        await group.register(server.channel)
        await pingers(server, 2)
        await eventually(() => assert.equal(Pinger.answered, 2))
        assert.equal(server.refused.length, 1)
      })()
    })
  }
})
