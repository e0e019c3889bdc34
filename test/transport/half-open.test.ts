import assert from 'node:assert/strict'
import type net from 'node:net'
import { describe, test } from 'node:test'
import { eventually, ManualTicker } from '@knotty/testing'
import { type Channel, ChannelOption, ClosedChannelError, HalfOpenTimeoutError } from '@knotty/transport'
import { isUnix } from '../support/cell.js'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { connect, option, type OptionValues, plainServer, readAll, readBytes } from '../support/tcp.js'

const TIMEOUT_MS = 10_000

interface Connection {
  readonly channel: Channel
  readonly socket: net.Socket
  readonly clock: ManualTicker
}

/** A connection whose time is the test's: half-open for 10 s at most, and never probed. */
async function open(scope: LeakScope, options: OptionValues = []): Promise<Connection> {
  const clock = new ManualTicker()
  const group = scope.group({ ticker: clock })
  const peer = await plainServer(scope)
  const channel = await connect(scope, group, peer.port, [], [
    option(ChannelOption.ALLOW_HALF_CLOSURE, true),
    option(ChannelOption.HALF_OPEN_TIMEOUT_MS, TIMEOUT_MS),
    option(ChannelOption.LIVENESS_PROBE_MS, 0),
    ...options,
  ])
  return { channel, socket: await peer.accept(), clock }
}

/** The peer sends FIN, and the channel knows. */
async function peerEnds({ channel, socket }: Connection): Promise<void> {
  socket.end()
  await eventually(() => assert.equal((channel as Channel & { isInputShutdown: boolean }).isInputShutdown, true))
}

function assertExpired({ channel, clock }: Connection): void {
  assert.equal(channel.isOpen, false)
  assert.equal(channel.eventLoop.counters.halfOpenTimeouts, 1)
  const late = channel.write(new Uint8Array(1))
  assert.ok(late.cause instanceof ClosedChannelError)
  assert.ok(late.cause.cause instanceof HalfOpenTimeoutError)
  assert.match(late.cause.cause.message, /10000 ms \(HALF_OPEN_TIMEOUT_MS\)/)
  assert.equal(clock.pendingTimers, 0)
}

describe('a half-open connection', () => {
  test(
    'that nobody closes after the peer has sent FIN is closed in the end; the peer sees a plain close',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, socket, clock } = connection
      await peerEnds(connection)
      await clock.advance(TIMEOUT_MS - 1)
      assert.equal(channel.isOpen, true)
      await clock.advance(1)
      assertExpired(connection)
      assert.equal((await readAll(socket)).length, 0)
      assert.equal(socket.errored ?? undefined, undefined)
    }),
  )

  test(
    'whose peer never closes after our shutdownOutput() is closed in the end',
    leakScope(async (scope) => {
      const connection = await open(scope)
      await connection.channel.shutdownOutput()
      await connection.clock.advance(TIMEOUT_MS - 1)
      assert.equal(connection.channel.isOpen, true)
      await connection.clock.advance(1)
      assertExpired(connection)
    }),
  )

  test(
    'lives on while bytes come in, however slowly',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, socket, clock } = connection
      await channel.shutdownOutput()
      for (let round = 1; round <= 5; round++) {
        await clock.advance(TIMEOUT_MS - 1)
        socket.write('x')
        await eventually(() => assert.equal(channel.bytesRead, round))
      }
      await clock.advance(TIMEOUT_MS - 1)
      assert.equal(channel.isOpen, true)
      await clock.advance(1)
      assertExpired(connection)
    }),
  )

  test(
    'lives on while writes complete, however slowly',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, clock } = connection
      await peerEnds(connection)
      for (let round = 1; round <= 5; round++) {
        await clock.advance(TIMEOUT_MS - 1)
        await channel.writeAndFlush(Buffer.from('x'))
      }
      await clock.advance(TIMEOUT_MS - 1)
      assert.equal(channel.isOpen, true)
      await clock.advance(1)
      assertExpired(connection)
    }),
  )

  test(
    'lives on while a large write goes out, however slowly',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, socket, clock } = connection
      await peerEnds(connection)
      const write = channel.writeAndFlush(new Uint8Array(24 << 20))
      await settled(() => progressOf(channel))
      for (let round = 0; round < 6; round++) {
        await clock.advance(TIMEOUT_MS - 1)
        await readSome(socket, 3 << 20) // over node:net progress shows once a request of 1 MiB
        await settled(() => progressOf(channel))
      }
      assert.equal(channel.isOpen, true)
      await channel.close()
      assert.ok(write.isDone)
      assert.equal(clock.pendingTimers, 0)
    }),
  )

  test(
    'lives on while a write goes out behind which FIN waits',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, socket, clock } = connection
      channel.writeAndFlush(new Uint8Array(24 << 20), null)
      await settled(() => progressOf(channel))
      // What follows the request under way is dropped: the peer can count on what the kernel holds, or on most of the first 1 MiB.
      const certain = Math.max(900 << 10, progressOf(channel))
      const shutdown = channel.shutdownOutput()
      await clock.advance(TIMEOUT_MS - 1)
      await readSome(socket, certain)
      await settled(() => progressOf(channel))
      await clock.advance(TIMEOUT_MS - 1)
      assert.equal(channel.isOpen, true)
      await readAll(socket)
      await shutdown
      await channel.close()
      assert.equal(clock.pendingTimers, 0)
    }),
  )

  test(
    'of which neither side is wanted any more is not held by a peer that goes on sending',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, socket, clock } = connection
      await channel.shutdownInput()
      await channel.shutdownOutput()
      await clock.advance(TIMEOUT_MS - 1)
      socket.write('x')
      await eventually(() => assert.equal(channel.bytesRead, 1))
      await clock.advance(1)
      assertExpired(connection)
    }),
  )

  test(
    'whose write is stuck is reset',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, socket, clock } = connection
      await peerEnds(connection)
      const write = channel.writeAndFlush(new Uint8Array(32 << 20))
      await settled(() => progressOf(channel))
      await clock.advance(TIMEOUT_MS)
      await clock.advance(TIMEOUT_MS)
      assertExpired(connection)
      assert.ok(write.cause instanceof ClosedChannelError)
      assert.ok(write.cause.cause instanceof HalfOpenTimeoutError)
      const error = await errorOf(socket)
      // Node 20 and 22 may report a reset behind data as a clean end, and a Unix domain socket has none.
      if (!isUnix() && error !== undefined) assert.equal(error.code, 'ECONNRESET')
    }),
  )

  test(
    'lives for ever with HALF_OPEN_TIMEOUT_MS 0',
    leakScope(async (scope) => {
      const connection = await open(scope, [option(ChannelOption.HALF_OPEN_TIMEOUT_MS, 0)])
      await peerEnds(connection)
      assert.equal(connection.clock.pendingTimers, 0)
      await connection.clock.advance(1e9)
      assert.equal(connection.channel.isOpen, true)
    }),
  )

  test(
    'leaves no timer when it is closed, and none while it is deregistered',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, clock } = connection
      await peerEnds(connection)
      assert.equal(clock.pendingTimers, 1)
      const loop = channel.eventLoop
      await channel.deregister()
      assert.equal(clock.pendingTimers, 0)
      await loop.register(channel)
      assert.equal(clock.pendingTimers, 1)
      await channel.close()
      assert.equal(clock.pendingTimers, 0)
      assert.equal(loop.counters.halfOpenTimeouts, 0)
    }),
  )

  test(
    'whose other direction ends too closes by itself, and leaves no timer',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, socket, clock } = connection
      await channel.shutdownOutput()
      socket.end()
      await channel.closeFuture
      assert.equal(clock.pendingTimers, 0)
      assert.equal(channel.eventLoop.counters.halfOpenTimeouts, 0)
    }),
  )

  test(
    'has no deadline while both directions are open',
    leakScope(async (scope) => {
      const { channel, clock } = await open(scope)
      await channel.writeAndFlush(Buffer.from('x'))
      assert.equal(clock.pendingTimers, 0)
      assert.equal(channel.bytesWritten, 1)
    }),
  )
})

describe('HALF_OPEN_TIMEOUT_MS, changed while the connection is half-open,', () => {
  test(
    'holds at once: 0 ends the wait, another value begins a new one',
    leakScope(async (scope) => {
      const connection = await open(scope)
      const { channel, clock } = connection
      await peerEnds(connection)
      channel.config.setOption(ChannelOption.HALF_OPEN_TIMEOUT_MS, 0)
      assert.equal(clock.pendingTimers, 0)
      await clock.advance(10 * TIMEOUT_MS)
      assert.equal(channel.isOpen, true)
      channel.config.setOption(ChannelOption.HALF_OPEN_TIMEOUT_MS, 3 * TIMEOUT_MS)
      channel.config.setOption(ChannelOption.HALF_OPEN_TIMEOUT_MS, TIMEOUT_MS)
      await clock.advance(TIMEOUT_MS - 1)
      assert.equal(channel.isOpen, true)
      await clock.advance(1)
      assertExpired(connection)
      channel.config.setOption(ChannelOption.HALF_OPEN_TIMEOUT_MS, TIMEOUT_MS)
      assert.equal(clock.pendingTimers, 0)
    }),
  )

  test(
    'starts nothing on a connection with both directions',
    leakScope(async (scope) => {
      const { channel, clock } = await open(scope)
      channel.config.setOption(ChannelOption.HALF_OPEN_TIMEOUT_MS, 1)
      assert.equal(clock.pendingTimers, 0)
      await clock.advance(TIMEOUT_MS)
      assert.equal(channel.isOpen, true)
    }),
  )
})

/** Bytes of its writes that have left. */
function progressOf(channel: Channel): number {
  return channel.bytesWritten + (channel as Channel & { inFlightProgress: number }).inFlightProgress
}

/** Waits until a number has stood still for some turns. */
async function settled(value: () => number): Promise<void> {
  await eventually(async () => {
    const before = value()
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(value(), before)
  })
}

async function readSome(socket: net.Socket, bytes: number): Promise<void> {
  await readBytes(socket, bytes)
  socket.pause()
}

/** Reads to the end; the error it ends with. */
async function errorOf(socket: net.Socket): Promise<NodeJS.ErrnoException | undefined> {
  await readAll(socket)
  return (socket.errored as NodeJS.ErrnoException | null) ?? undefined
}
