import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import process from 'node:process'
import { describe, test, type TestContext } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import {
  type Channel,
  type ChannelFuture,
  ChannelOption,
  ChannelOutputShutdownError,
  ChannelOutputShutdownEvent,
  ClosedChannelError,
  ServerBootstrap,
} from '@knotty/transport'
import { useCell } from '../../support/cell.js'
import { leakScope } from '../../support/leak-scope.js'
import { connect, deferred, option, plainClient, plainServer, readBytes, serve, untilClosed } from '../../support/tcp.js'
import { NET_TCP } from '../../support/transports.js'
import { messagesOf, recordLogs } from '../../unit/transport/channel/recorded-logs.js'

useCell(NET_TCP)

const MANUAL = option(ChannelOption.AUTO_READ, false)
/** More than any kernel buffer takes. */
const STALLING = 32 << 20

/** Fails the test for whatever would have ended the process, and for whatever was logged as an error. */
function watch(t: TestContext): void {
  const logs = recordLogs(t)
  const errors: unknown[] = []
  const keep = (error: unknown): void => void errors.push(error)
  process.on('uncaughtException', keep)
  process.on('unhandledRejection', keep)
  t.after(() => {
    process.off('uncaughtException', keep)
    process.off('unhandledRejection', keep)
    assert.deepEqual(errors, [])
    assert.deepEqual([...messagesOf(logs, 'warn'), ...messagesOf(logs, 'error')], [])
  })
}

function nodeSocket(channel: Channel): net.Socket {
  return (channel as unknown as { socket: { socket: net.Socket } }).socket.socket
}

async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a reset', () => {
  test('before the channel is registered is found once it is', async (t) => {
    watch(t)
    await leakScope(async (scope) => {
      const initialized = deferred()
      const log: string[] = []
      const group = scope.group()
      const server = await serve(scope, group, (channel) => {
        channel.pipeline.addLast({ handlerAdded: () => initialized.promise, channelInactive: () => void log.push('inactive') })
        return []
      })
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      client.resetAndDestroy()
      await untilClosed(client)
      await turns()
      initialized.resolve()
      await child.closeFuture
      await eventually(() => assert.deepEqual(log, ['inactive']))
      assert.equal(group.counters.peerErrors, 1)
    })()
  })

  test('right after the connect ends the channel; the connect succeeds or fails', async (t) => {
    watch(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const accepted: net.Socket[] = []
      const server = net.createServer((socket) => {
        accepted.push(socket)
        socket.on('error', () => undefined)
        socket.resetAndDestroy()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      scope.onEnd(() => new Promise((resolve) => server.close(resolve)))
      const { port } = server.address() as net.AddressInfo
      for (let round = 0; round < 20; round++) {
        const channel = await connect(scope, group, port).catch(() => undefined)
        await channel?.closeFuture
      }
      assert.ok(accepted.length >= 20)
    })()
  })

  test('during a write fails each write once, in order, and is one exception', async (t) => {
    watch(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const caught: (string | undefined)[] = []
      const order: number[] = []
      const peer = await plainServer(scope)
      const channel = await connect(scope, group, peer.port, [
        { exceptionCaught: (_ctx, cause) => void caught.push((cause as { code?: string }).code) },
      ])
      const socket = await peer.accept()
      const writes: ChannelFuture[] = []
      for (let index = 0; index < 8; index++) {
        const write = channel.write(new Uint8Array(STALLING / 4))
        write.addListener(() => order.push(index))
        writes.push(write)
      }
      channel.flush()
      await turns()
      socket.resetAndDestroy()
      await channel.closeFuture
      await eventually(() => assert.equal(order.length, 8))
      assert.deepEqual(order, [...writes.keys()])
      assert.ok(writes.some((write) => write.cause !== undefined))
      assert.ok(caught.length <= 1, String(caught))
      assert.equal(group.counters.peerErrors, 1)
    })()
  })

  test('after close() is nobody\u2019s business', async (t) => {
    watch(t)
    await leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      channel.writeAndFlush(new Uint8Array(STALLING), null)
      const closed = channel.close()
      socket.resetAndDestroy()
      await closed
      await turns()
    })()
  })

  test('that a write of a paused channel finds is counted once, and fails the writes', async (t) => {
    watch(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const server = await serve(scope, group, () => [], [MANUAL])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.ok(child.isActive))
      client.resetAndDestroy()
      await untilClosed(client)
      const first = child.writeAndFlush(Buffer.from('a'))
      const second = child.writeAndFlush(Buffer.from('b'))
      await child.closeFuture
      await eventually(() => assert.ok(first.isDone && second.isDone))
      assert.ok(['ECONNRESET', 'EPIPE'].includes((first.cause as { code?: string } | undefined)?.code ?? ''))
      assert.equal(group.counters.peerErrors, 1)
    })()
  })
})

test('a write error with AUTO_CLOSE off shuts the output down; then Node closes the socket, and the channel with it', async (t) => {
  watch(t)
  await leakScope(async (scope) => {
    const group = scope.group()
    const log: string[] = []
    const server = await serve(
      scope,
      group,
      () => [
        {
          userEventTriggered: (_ctx, event) => void log.push(event === ChannelOutputShutdownEvent.INSTANCE ? 'output shutdown' : 'other'),
          exceptionCaught: (_ctx, cause) => void log.push(String(cause)),
          channelInactive: () => void log.push('inactive'),
        },
      ],
      [option(ChannelOption.AUTO_CLOSE, false), MANUAL],
    )
    const client = await plainClient(scope, server.port)
    const child = await server.child()
    await eventually(() => assert.ok(child.isActive))
    client.resetAndDestroy()
    await untilClosed(client)
    const write = child.writeAndFlush(Buffer.from('x'))
    await child.closeFuture
    await eventually(() => assert.equal(log.at(-1), 'inactive'))
    assert.ok(write.cause instanceof ChannelOutputShutdownError)
    assert.equal((write.cause.cause as { code?: string }).code, 'ECONNRESET')
    assert.deepEqual(log, ['output shutdown', 'inactive'])
    assert.equal(group.counters.peerErrors, 1)
  })()
})

describe('shutdownOutput() completes its promise', () => {
  for (const [what, act] of [
    ['close()', (channel: Channel) => channel.close()],
    ['abort()', (channel: Channel) => channel.abort()],
    ['a reset of the peer', (_channel: Channel, socket: net.Socket) => socket.resetAndDestroy()],
    ['the peer\u2019s destroy()', (_channel: Channel, socket: net.Socket) => socket.destroy()],
  ] as const) {
    for (const stalled of [false, true]) {
      test(`when ${what} comes ${stalled ? 'while FIN waits behind a write' : 'at once'}`, async (t) => {
        watch(t)
        await leakScope(async (scope) => {
          const peer = await plainServer(scope)
          const channel = await connect(scope, scope.group(), peer.port)
          const socket = await peer.accept()
          if (stalled) channel.writeAndFlush(new Uint8Array(STALLING), null)
          const shutdown = channel.shutdownOutput()
          act(channel, socket)
          await eventually(() => assert.ok(shutdown.isDone))
          await channel.close()
        })()
      })
    }
  }
})

test('a paused channel keeps one chunk in memory however much the peer sends', async (t) => {
  watch(t)
  await leakScope(async (scope) => {
    const received: number[] = []
    const server = await serve(
      scope,
      scope.group(),
      () => [
        {
          channelRead: (_ctx, msg) => {
            received.push((msg as ByteBuf).readableBytes)
            ;(msg as ByteBuf).release()
          },
        },
      ],
      [MANUAL, option(ChannelOption.LIVENESS_PROBE_MS, 0)],
    )
    const client = await plainClient(scope, server.port)
    const child = await server.child()
    await eventually(() => assert.ok(child.isActive))
    client.write(new Uint8Array(64 << 20))
    await turns(50)
    const socket = nodeSocket(child)
    for (let read = 1; read <= 5; read++) {
      child.read()
      await eventually(() => assert.equal(received.length, read))
      await turns(50)
      assert.equal(received.length, read)
      assert.ok(socket.readableLength <= 65536, `${socket.readableLength} bytes wait in node:net`)
      assert.ok(socket.bytesRead <= child.bytesRead + 65536)
    }
  })()
})

test('a channel whose write is under way moves to another loop', async (t) => {
  watch(t)
  await leakScope(async (scope) => {
    const first = scope.group({ writeSlabBytes: 1024 })
    const second = scope.group({ writeSlabBytes: 4096 })
    const peer = await plainServer(scope)
    const channel = await connect(scope, first, peer.port)
    const socket = await peer.accept()
    const parts: Buffer[] = []
    for (let index = 0; index < 30; index++) parts.push(Buffer.alloc(1_000_000, index), Buffer.alloc(200, 100 + index))
    const writes = parts.map((part) => channel.write(part))
    channel.flush()
    await channel.deregister()
    await second.register(channel)
    assert.ok(writes.some((write) => !write.isDone))
    parts.push(Buffer.alloc(3000, 200))
    writes.push(channel.writeAndFlush(parts.at(-1)))
    const whole = Buffer.concat(parts)
    assert.ok((await readBytes(socket, whole.length)).equals(whole))
    await Promise.all(writes)
    assert.ok(first.counters.writeRequests > 0 && second.counters.writeRequests > 0)
  })()
})

test('TCP_NODELAY and SO_KEEPALIVE reach the socket: what was set before, and what is set later', async (t) => {
  watch(t)
  await leakScope(async (scope) => {
    const delays: unknown[] = []
    t.mock.method(net.Socket.prototype, 'setNoDelay', function (this: net.Socket, on: unknown) {
      delays.push(on)
      return this
    })
    const peer = await plainServer(scope)
    const group = scope.group()
    const channel = await connect(scope, group, peer.port, [], [option(ChannelOption.SO_KEEPALIVE, true)])
    const { port } = channel.localAddress as { port: number }
    const keepAlive = (): boolean => keepAliveRuns(port, peer.port)
    assert.deepEqual(delays, [true])
    await eventually(() => assert.equal(keepAlive(), true))
    channel.config.setOption(ChannelOption.TCP_NODELAY, false)
    channel.config.setOption(ChannelOption.SO_KEEPALIVE, false)
    assert.deepEqual(delays, [true, false])
    await eventually(() => assert.equal(keepAlive(), false))
    await connect(scope, group, peer.port, [], [option(ChannelOption.TCP_NODELAY, false)])
    assert.deepEqual(delays, [true, false, false])
  })()
})

test('a close that node:net reports as a success of the write fails the write all the same', async (t) => {
  watch(t)
  await leakScope(async (scope) => {
    const peer = await plainServer(scope)
    const channel = await connect(scope, scope.group(), peer.port)
    const write = channel.writeAndFlush(new Uint8Array(STALLING))
    let completions = 0
    write.addListener(() => completions++)
    await turns()
    await channel.close()
    assert.ok(write.cause instanceof ClosedChannelError)
    await turns(20)
    assert.equal(completions, 1)
  })()
})

test('a listener at a host that is not known fails with the error of the lookup, as on every transport', async (t) => {
  watch(t)
  await leakScope(async (scope) => {
    const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(() => undefined)
    const lookup = { code: /^(ENOTFOUND|EAI_AGAIN)$/, message: /^getaddrinfo E[A-Z_]+ no-such-host.invalid$/ }
    await assert.rejects(async () => await bootstrap.bind(0, 'no-such-host.invalid'), lookup)
  })()
})

/** The kernel's timer of the connection between these ports is that of keep-alive (`tr` 02 in /proc/net/tcp). */
function keepAliveRuns(localPort: number, remotePort: number): boolean {
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/))
  const row = rows.find(([, local, remote]) => local?.endsWith(hex(localPort)) === true && remote?.endsWith(hex(remotePort)))
  return row?.[5]?.startsWith('02:') === true
}

function hex(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, '0')}`
}
