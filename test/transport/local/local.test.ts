import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import { CancellationError } from '@knotty/common'
import {
  Bootstrap,
  type Channel,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelOption,
  ClosedChannelError,
  LocalSocketAddress,
  ServerBootstrap,
} from '@knotty/transport'
import { type LeakScope, leakScope } from '../../support/leak-scope.js'
import { connectLocal, serveLocal } from '../../support/local.js'
import { eventually } from '../../support/proc-sockets.js'
import { option, type OptionValues } from '../../support/tcp.js'
import { recordLogs } from '../../unit/transport/channel/recorded-logs.js'

const MANUAL = option(ChannelOption.AUTO_READ, false)
const NO_PROBE = option(ChannelOption.LIVENESS_PROBE_MS, 0)

/** Keeps the messages it gets, still retained, and the names of other events. */
class Keeper implements ChannelHandler {
  readonly messages: unknown[] = []
  readonly log: string[] = []

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.messages.push(msg)
  }

  channelReadComplete(): void {
    this.log.push('complete')
  }

  exceptionCaught(_ctx: ChannelHandlerContext, cause: Error): void {
    this.log.push((cause as { code?: string }).code ?? cause.name)
  }

  channelInactive(): void {
    this.log.push('inactive')
  }
}

interface Pair {
  readonly client: Channel
  readonly child: Channel
  readonly atClient: Keeper
  readonly atChild: Keeper
}

async function open(scope: LeakScope, childOptions: OptionValues = [], clientOptions: OptionValues = []): Promise<Pair> {
  const group = scope.group()
  const atClient = new Keeper()
  const atChild = new Keeper()
  const server = await serveLocal(scope, group, () => [atChild], childOptions)
  const client = await connectLocal(scope, group, server.address, [atClient], clientOptions)
  const child = await server.child()
  await eventually(() => assert.ok(child.isActive && child.isRegistered))
  return { client, child, atClient, atChild }
}

async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function buffers(count: number, size = 1000): ByteBuf[] {
  return Array.from({ length: count }, (_, index) => Unpooled.buffer(size).writeBytes(Buffer.alloc(size, index)))
}

const counts = (messages: readonly ByteBuf[]): number[] => messages.map((msg) => msg.refCnt)
const code = (error: Error | undefined): string | undefined => (error as { code?: string } | undefined)?.code

describe('addresses within the process', () => {
  test(
    'an empty localId stands for any that is free; both ends know both addresses',
    leakScope(async (scope) => {
      const { client, child } = await open(scope)
      const server = child.parent as Channel
      assert.match((server.localAddress as LocalSocketAddress).localId, /^#\d+$/)
      assert.equal(String(client.remoteAddress), String(server.localAddress))
      assert.equal(String(child.localAddress), String(server.localAddress))
      assert.equal(String(child.remoteAddress), String(client.localAddress))
      await client.close()
      assert.equal(String(client.remoteAddress), String(server.localAddress))
    }),
  )

  test(
    'one that is taken is EADDRINUSE until its listener is closed',
    leakScope(async (scope) => {
      const group = scope.group()
      const bind = (): PromiseLike<Channel> => new ServerBootstrap().group(group).childHandler(() => undefined).bind({ localId: 'taken' })
      const first = await bind()
      await assert.rejects(Promise.resolve(bind()), { code: 'EADDRINUSE' })
      await first.close()
      const second = await bind()
      await second.close()
    }),
  )

  test(
    'one without a listener, and the empty one, are ECONNREFUSED, and the channel is closed',
    leakScope(async (scope) => {
      const group = scope.group()
      for (const localId of ['nobody', '']) {
        const connecting = new Bootstrap().group(group).handler(() => undefined).connect({ localId })
        await assert.rejects(Promise.resolve(connecting), { code: 'ECONNREFUSED' })
        await eventually(() => assert.equal(connecting.channel.isOpen, false))
      }
    }),
  )

  test(
    'one whose SO_BACKLOG is full refuses, and takes connections again when it accepts',
    leakScope(async (scope) => {
      const group = scope.group()
      const accepted: Channel[] = []
      const server = await new ServerBootstrap()
        .group(group)
        .option(ChannelOption.AUTO_READ, false)
        .option(ChannelOption.SO_BACKLOG, 2)
        .childHandler((channel) => void accepted.push(channel))
        .bind({ localId: '' })
      scope.onEnd(() => server.close())
      const address = server.localAddress as LocalSocketAddress
      const first = await connectLocal(scope, group, address)
      await connectLocal(scope, group, address)
      await assert.rejects(connectLocal(scope, group, address), { code: 'ECONNREFUSED' })
      assert.equal(accepted.length, 0)
      server.read()
      await eventually(() => assert.equal(accepted.length, 1))
      await turns()
      assert.equal(accepted.length, 1)
      await first.close()
      await connectLocal(scope, group, address)
      await server.close()
      await eventually(() => assert.equal(accepted[0]?.isOpen, false))
    }),
  )

  test('a server that closes resets the connections it has not accepted', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const server = await new ServerBootstrap()
        .group(group)
        .option(ChannelOption.AUTO_READ, false)
        .childHandler(() => undefined)
        .bind({ localId: '' })
      const keeper = new Keeper()
      const client = await connectLocal(scope, group, server.localAddress as LocalSocketAddress, [keeper])
      await server.close()
      await client.closeFuture
      await eventually(() => assert.deepEqual(keeper.log, ['ECONNRESET', 'inactive']))
    })()
  })
})

describe('a connect within the process', () => {
  test(
    'that is cancelled leaves nothing, at either end',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await serveLocal(scope, group, () => [])
      let accepted = 0
      server.channel.events.on('accepted', () => accepted++)
      const connecting = new Bootstrap().group(group).handler(() => undefined).connect(server.address)
      connecting.cancel()
      await assert.rejects(Promise.resolve(connecting), CancellationError)
      await eventually(() => assert.equal(connecting.channel.isOpen, false))
      await turns()
      assert.equal(accepted, 0)
    }),
  )

  test(
    'that is cancelled after it was offered is closed at the server too',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await serveLocal(scope, group, () => [])
      const controller = new AbortController()
      const connecting = new Bootstrap()
        .group(group)
        .handler({ channelActive: () => controller.abort() })
        .connect(server.address, { signal: controller.signal })
      await Promise.resolve(connecting).catch(() => undefined)
      connecting.channel.close()
      const child = await server.child()
      await child.closeFuture
    }),
  )

  test(
    'closed in its promise still tells active, then inactive',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await serveLocal(scope, group, () => [])
      const log: string[] = []
      const connecting = new Bootstrap()
        .group(group)
        .handler({ channelActive: () => void log.push('active'), channelInactive: () => void log.push('inactive') })
        .connect(server.address)
      connecting.addListener((done) => void done.channel.close())
      await connecting
      await eventually(() => assert.deepEqual(log, ['active', 'inactive']))
    }),
  )
})

describe('messages within the process', () => {
  test(
    'pass by reference, any kind, in order; a buffer is the reader\u2019s to release',
    leakScope(async (scope) => {
      const { client, atChild } = await open(scope)
      const [buf] = buffers(1) as [ByteBuf]
      const bytes = new Uint8Array([1, 2, 3])
      const object = { hello: 'world' }
      const write = client.write(buf)
      for (const msg of [bytes, object, 'text', 42, null]) client.write(msg)
      await client.writeAndFlush(Symbol.iterator)
      assert.ok(write.isSuccess)
      await eventually(() => assert.equal(atChild.messages.length, 7))
      assert.deepEqual(atChild.messages, [buf, bytes, object, 'text', 42, null, Symbol.iterator])
      assert.equal(atChild.messages[0], buf)
      assert.deepEqual([buf.refCnt, buf.readableBytes], [1, 1000])
      buf.release()
      assert.equal(client.bytesWritten, 1003)
    }),
  )

  test(
    'come one for each read() with AUTO_READ off',
    leakScope(async (scope) => {
      const { client, child, atChild } = await open(scope, [MANUAL, NO_PROBE])
      for (let index = 0; index < 40; index++) client.write(index)
      client.flush()
      await turns()
      assert.deepEqual(atChild.messages, [])
      for (let read = 1; read <= 3; read++) {
        child.read()
        child.read()
        await eventually(() => assert.equal(atChild.messages.length, read))
        await turns()
        assert.deepEqual([atChild.messages.length, atChild.log.length], [read, read])
      }
      child.config.autoRead = true
      await eventually(() => assert.equal(atChild.messages.length, 40))
      assert.deepEqual(atChild.messages, [...Array(40).keys()])
    }),
  )

  test(
    'wait at the writer once SO_RCVBUF of the reader is full, and go on when it reads',
    leakScope(async (scope) => {
      const { client, child, atChild } = await open(scope, [MANUAL, NO_PROBE, option(ChannelOption.SO_RCVBUF, 5000)])
      const sent = buffers(20)
      const writes = sent.map((msg) => client.write(msg))
      client.flush()
      await turns()
      const taken = writes.filter((write) => write.isSuccess).length
      assert.equal(taken, 4) // 4 × 1096 bytes fit
      assert.equal(client.outboundBuffer?.messages, 16)
      child.read()
      await eventually(() => assert.equal(atChild.messages.length, 1))
      await eventually(() => assert.equal(writes.filter((write) => write.isSuccess).length, 5))
      child.config.autoRead = true
      await Promise.all(writes)
      await eventually(() => assert.deepEqual(atChild.messages, sent))
      assert.deepEqual(counts(sent), sent.map(() => 1))
    }),
  )

  test(
    'larger than SO_RCVBUF pass one at a time; those without bytes fill it too',
    leakScope(async (scope) => {
      const { client, child, atChild } = await open(scope, [MANUAL, NO_PROBE, option(ChannelOption.SO_RCVBUF, 500)])
      const large = [client.write(new Uint8Array(10_000)), client.write(new Uint8Array(10_000))]
      client.flush()
      await turns()
      assert.deepEqual(large.map((write) => write.isDone), [false, false], 'they wait with their writer while nobody reads')
      child.read()
      await eventually(() => assert.equal(atChild.messages.length, 1))
      assert.deepEqual(large.map((write) => write.isDone), [true, false])
      child.read()
      await eventually(() => assert.equal(atChild.messages.length, 2))
      assert.ok(large.every((write) => write.isSuccess))
      for (let index = 0; index < 100; index++) client.write({ index }, null)
      client.flush()
      await turns()
      assert.equal(client.outboundBuffer?.messages, 95) // 5 × 96 bytes fit
      child.config.autoRead = true
      await eventually(() => assert.equal(atChild.messages.length, 102))
    }),
  )

  test(
    'pass between two loops, and a channel may move from one to the other',
    leakScope(async (scope) => {
      const here = scope.group()
      const there = scope.group()
      const keeper = new Keeper()
      const server = await serveLocal(scope, there, () => [keeper, { channelRead: () => undefined }])
      const client = await connectLocal(scope, here, server.address)
      const child = await server.child()
      await eventually(() => assert.ok(child.isRegistered))
      assert.notEqual(client.eventLoop, child.eventLoop)
      const writes: unknown[] = []
      for (let round = 0; round < 50; round++) {
        writes.push(client.writeAndFlush(round))
        if (round % 10 !== 5) continue
        await child.deregister()
        await (round % 20 === 5 ? here : there).register(child)
      }
      await eventually(() => assert.deepEqual(keeper.messages, [...Array(50).keys()]))
      await Promise.all(writes)
    }),
  )
})

describe('the end of a connection within the process', () => {
  test(
    'comes behind all messages: close() with nothing unread is a FIN',
    leakScope(async (scope) => {
      const { client, child, atChild } = await open(scope)
      for (let index = 0; index < 50; index++) client.write(index)
      client.flush()
      await client.close()
      await child.closeFuture
      await eventually(() => assert.equal(atChild.log.at(-1), 'inactive'))
      assert.deepEqual(atChild.messages, [...Array(50).keys()])
      assert.deepEqual(atChild.log.filter((line) => line !== 'complete'), ['inactive'])
    }),
  )

  for (const [what, act] of [
    ['close() with something unread', (child: Channel) => child.close()],
    ['abort()', (child: Channel) => child.abort()],
  ] as const) {
    test(`${what} is a reset, and releases what was unread`, async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const { client, child, atClient } = await open(scope, [MANUAL, NO_PROBE])
        const unread = buffers(what === 'abort()' ? 0 : 3)
        for (const msg of unread) client.write(msg)
        client.flush()
        assert.deepEqual(counts(unread), unread.map(() => 1))
        await act(child)
        await client.closeFuture
        await eventually(() => assert.deepEqual(atClient.log, ['ECONNRESET', 'inactive']))
        assert.deepEqual(counts(unread), unread.map(() => 0))
        assert.equal(client.eventLoop.counters.peerErrors, 1)
      })()
    })
  }

  test('makes a later write fail with EPIPE, and close the channel', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const { client, child } = await open(scope, [], [MANUAL, NO_PROBE])
      await child.close()
      const [msg] = buffers(1) as [ByteBuf]
      const write = client.writeAndFlush(msg)
      assert.equal(code(write.cause), 'EPIPE')
      assert.deepEqual([msg.refCnt, client.isOpen], [0, false])
    })()
  })

  test('wakes a writer that waits for room: what waited fails with ECONNRESET, because something was unread, and is released', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const { client, child } = await open(scope, [MANUAL, NO_PROBE, option(ChannelOption.SO_RCVBUF, 2500)], [MANUAL, NO_PROBE])
      const sent = buffers(5)
      const writes = sent.map((msg) => client.write(msg))
      client.flush()
      assert.deepEqual(writes.map((write) => write.isDone), [true, true, false, false, false])
      await child.close()
      await eventually(() => assert.ok(writes.every((write) => write.isDone)))
      assert.deepEqual(writes.map((write) => code(write.cause)), [undefined, undefined, 'ECONNRESET', 'ECONNRESET', 'ECONNRESET'])
      assert.deepEqual(counts(sent), [0, 0, 0, 0, 0])
    })()
  })

  test(
    'by the writer fails and releases what waits for room; what arrived is still read',
    leakScope(async (scope) => {
      const { client, child, atChild } = await open(scope, [MANUAL, NO_PROBE, option(ChannelOption.SO_RCVBUF, 2500)])
      const sent = buffers(5)
      const writes = sent.map((msg) => client.write(msg))
      client.flush()
      await client.close()
      assert.ok(writes.slice(2).every((write) => write.cause instanceof ClosedChannelError))
      assert.deepEqual(counts(sent), [1, 1, 0, 0, 0])
      child.config.autoRead = true
      await child.closeFuture
      assert.deepEqual(atChild.messages, sent.slice(0, 2))
      assert.deepEqual(counts(sent), [1, 1, 0, 0, 0])
    }),
  )

  test(
    'of one direction leaves the other; both together close the channels',
    leakScope(async (scope) => {
      const half = option(ChannelOption.ALLOW_HALF_CLOSURE, true)
      const { client, child, atClient } = await open(scope, [half])
      await client.shutdownOutput()
      await eventually(() => assert.equal((child as Channel & { isInputShutdown: boolean }).isInputShutdown, true))
      assert.ok(child.isActive)
      await child.writeAndFlush('still heard')
      await eventually(() => assert.deepEqual(atClient.messages, ['still heard']))
      child.shutdownOutput()
      await Promise.all([child.closeFuture, client.closeFuture])
    }),
  )

  test(
    'with the server\u2019s group shut down ends the client too',
    leakScope(async (scope) => {
      const here = scope.group()
      const there = scope.group()
      const server = await serveLocal(scope, there, () => [])
      const client = await connectLocal(scope, here, server.address)
      await server.child()
      await there.shutdownGracefully({ quietPeriodMs: 0 })
      await client.closeFuture
    }),
  )
})
