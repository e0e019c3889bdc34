import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { release, Unpooled } from '@knotty/buffer'
import { IdleStateHandler, WriteTimeoutHandler } from '@knotty/handler'
import { eventually, ManualTicker } from '@knotty/testing'
import type { Channel, ChannelHandler, ChannelHandlerContext, TcpSocketAddress } from '@knotty/transport'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { deferred, readBytes } from '../support/tcp.js'
import { ServerOf } from '../support/transport-server.js'
import { HAS_LIBUV, LOCAL, TCP_TRANSPORTS } from '../support/transports.js'

/** Calls back instead of firing an event. */
class Idle extends IdleStateHandler {
  onIdle: () => void = () => undefined

  protected override channelIdle(): void {
    this.onIdle()
  }
}

describe('10,000 idle channels with a timer for each kind of idleness', () => {
  test(
    'create no Timeout of their own, only the one that turns the wheel',
    { skip: !HAS_LIBUV && 'Bun has no async_hooks' },
    leakScope(async (scope) => {
      const wheelTickMs = 10
      const server = await ServerOf.bind(scope, scope.group({ wheelTickMs }), LOCAL)
      const clients: Channel[] = []
      for (let batch = 0; batch < 5; batch++) clients.push(...(await server.connectAll(1000))) // its backlog holds no 5,000
      const channels = [...clients, ...server.accepted]
      const idleMs = 50 * wheelTickMs // far above ten ticks, below which a timer is exact: the second one may be armed late
      let timeouts = 0
      const hook = createHook({ init: (_id, type) => void (timeouts += type === 'Timeout' ? 1 : 0) }).enable()
      let left = 2 * 3 * channels.length // each kind is armed again once
      const done = deferred()
      try {
        for (const channel of channels) {
          const handler = new Idle({ readerIdleMs: idleMs, writerIdleMs: idleMs, allIdleMs: idleMs })
          handler.onIdle = () => {
            if (--left === 0) done.resolve()
          }
          channel.pipeline.addLast(handler)
        }
        await done.promise
      } finally {
        hook.disable()
      }
      assert.equal(channels.length, 10_000)
      assert.equal(timeouts, 1)
    }),
  )
})

describe('channels that read and write now and then', () => {
  test(
    'create no Timeout when a timer finds that it has to wait for the rest only',
    { skip: !HAS_LIBUV && 'Bun has no async_hooks' },
    leakScope(async (scope) => {
      const wheelTickMs = 10
      const idleMs = 10 * wheelTickMs
      const group = scope.group({ wheelTickMs })
      const server = await ServerOf.bind(scope, group, LOCAL)
      const clients = await server.connectAll(500)
      const channels = [...clients, ...server.accepted]
      let rests = 0
      const done = deferred()
      const loop = group.next()
      const { scheduleCoarse } = loop
      loop.scheduleCoarse = (task, delayMs, options) => {
        if (delayMs < idleMs && ++rests === 5000) done.resolve()
        return scheduleCoarse.call(loop, task, delayMs, options)
      }
      for (const channel of channels) {
        channel.pipeline.addLast(new Idle({ readerIdleMs: idleMs, writerIdleMs: idleMs, allIdleMs: idleMs }), new WriteTimeoutHandler({ timeoutMs: idleMs }), {
          channelRead: (_ctx: ChannelHandlerContext, msg: unknown) => void release(msg),
        })
      }
      let timeouts = 0
      let turn = 0
      // A few bytes on another channel in each turn: the timers of each find some now and then.
      const traffic = loop.scheduleAtFixedRate(() => {
        for (let count = 0; count < 100; count++) clients[turn++ % clients.length]?.writeAndFlush(Unpooled.wrappedBuffer(new Uint8Array(1)), null)
      }, 0, 5)
      const hook = createHook({ init: (_id, type) => void (timeouts += type === 'Timeout' ? 1 : 0) }).enable()
      try {
        await done.promise
      } finally {
        hook.disable()
        traffic.cancel()
        loop.scheduleCoarse = scheduleCoarse
      }
      assert.ok(timeouts < 1000, `${timeouts} timeouts`) // those of the traffic
    }),
  )
})

/** More than epoll gives at once (1,024). */
const CONNECTIONS = 1500
/** Those to whom nobody writes: they are idle indeed. */
const SILENT = 10

interface Crowd {
  /** Adds the handlers, so starts the clocks, and sends a byte to each channel that is not to be silent: the kernel has it on return. */
  readonly start: () => void
  /** For the test to see. */
  readonly log: { read: number; wronglyIdle: number; silentlyIdle: number }
  /** All have read their bytes, and the silent ones are idle. */
  readonly over: Promise<void>
}

/** Channels that get an idle handler for each of `idleMs`. */
async function crowd(scope: LeakScope, server: ServerOf, idleMs: readonly number[]): Promise<Crowd> {
  const { address, port } = server.address as TcpSocketAddress
  const clients: net.Socket[] = []
  scope.onEnd(() => clients.forEach((client) => client.destroy()))
  for (let index = 0; index < CONNECTIONS + SILENT; index++) {
    const client = net.connect({ host: address, port })
    clients.push(client)
    await once(client, 'connect')
  }
  await eventually(() => assert.equal(server.accepted.length, clients.length))
  const silentPorts = new Set(clients.slice(CONNECTIONS).map((client) => client.localPort))
  const log = { read: 0, wronglyIdle: 0, silentlyIdle: 0 }
  const over = deferred()
  const note = (): void => {
    if (log.read === CONNECTIONS && log.silentlyIdle === SILENT * idleMs.length) over.resolve()
  }
  const addHandlers = (channel: Channel): void => {
    const isSilent = silentPorts.has((channel.remoteAddress as TcpSocketAddress).port)
    let hasRead = false
    for (const readerIdleMs of idleMs) {
      const handler = new Idle({ readerIdleMs })
      handler.onIdle = () => {
        channel.pipeline.remove(handler) // one event is enough
        if (isSilent) log.silentlyIdle++
        else if (!hasRead) log.wronglyIdle++
        note()
      }
      channel.pipeline.addLast(handler)
    }
    channel.pipeline.addLast({
      channelRead: (_ctx: ChannelHandlerContext, msg: unknown) => {
        release(msg)
        hasRead = true
        log.read++
        note()
      },
    })
  }
  const start = (): void => {
    for (const channel of server.accepted) addHandlers(channel)
    for (const client of clients.slice(0, CONNECTIONS)) client.write('x')
  }
  return { start, log, over: over.promise }
}

/** The thread stands still. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Ways to get into each phase of libuv's loop; what comes next differs. */
const PHASES: Readonly<Record<string, (scope: LeakScope, task: () => void) => void>> = {
  'the timers phase': (_scope, task) => void setTimeout(task, 1),
  'the check phase, behind which timers come first': (_scope, task) => void setImmediate(task),
  'the poll phase': (scope, task) => {
    const listener = net.createServer((socket) => {
      socket.destroy()
      task()
    })
    listener.listen(0, '127.0.0.1', () => {
      const socket = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1')
      socket.on('error', () => undefined)
      scope.onEnd(() => {
        socket.destroy()
        listener.close()
      })
    })
  },
}

describe('a loop that was blocked', () => {
  for (const transport of TCP_TRANSPORTS) {
    for (const [phase, runIn] of Object.entries(PHASES)) {
      const isLong = phase.startsWith('the check') && transport === TCP_TRANSPORTS[0]
      const blockMs = isLong ? 5000 : 500
      test(
        `for ${blockMs} ms in ${phase}, calls no channel idle whose bytes wait in the socket (${transport.name})`,
        leakScope(async (scope) => {
          const server = await ServerOf.bind(scope, scope.group({ wheelTickMs: isLong ? 100 : 10 }), transport)
          // In the wheel, and below ten ticks.
          const { start, log, over } = await crowd(scope, server, isLong ? [1000, 500] : [100, 50])
          runIn(scope, () => {
            start()
            block(blockMs)
          })
          await over
          assert.equal(log.wronglyIdle, 0)
        }),
      )
    }
  }
})

describe('a channel that moves to another event loop', () => {
  test(
    'takes its idle and write timers along, with the time that is left',
    leakScope(async (scope) => {
      const clocks = { from: new ManualTicker(), to: new ManualTicker() }
      const [from, to] = [scope.group({ ticker: clocks.from }), scope.group({ ticker: clocks.to })]
      const server = await ServerOf.bind(scope, from, LOCAL)
      await server.connectAll(1)
      const channel = server.accepted[0] as Channel
      const log: string[] = []
      const idle = new Idle({ readerIdleMs: 1000, allIdleMs: 1000 })
      idle.onIdle = () => void log.push('idle')
      channel.pipeline.addLast(idle, new WriteTimeoutHandler({ timeoutMs: 2000 }), {
        exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void log.push(cause.name),
      })
      channel.write('never flushed', null)
      assert.deepEqual([clocks.from.pendingTimers, clocks.to.pendingTimers], [3, 0])
      for (const clock of [clocks.from, clocks.to]) await clock.advance(400)
      await channel.deregister()
      assert.deepEqual([clocks.from.pendingTimers, clocks.to.pendingTimers], [0, 0])
      await to.register(channel)
      assert.deepEqual([clocks.from.pendingTimers, clocks.to.pendingTimers], [0, 3])
      await clocks.to.advance(599)
      assert.equal(log.length, 0)
      await clocks.to.advance(1)
      assert.deepEqual(log.splice(0), ['idle', 'idle'])
      await clocks.to.advance(999)
      assert.equal(log.length, 0)
      await clocks.to.advance(1)
      assert.ok(log.includes('WriteTimeoutError'))
      await channel.closeFuture
    }),
  )
})

describe('100 MB to a peer that reads slowly but steadily', () => {
  for (const transport of TCP_TRANSPORTS) {
    test(
      `are not writer-idle with observeOutput, but without (${transport.name})`,
      leakScope(async (scope) => {
        const clock = new ManualTicker()
        const server = await ServerOf.bind(scope, scope.group({ ticker: clock }), transport)
        const { address, port } = server.address as TcpSocketAddress
        const client = net.connect({ host: address, port }).pause()
        scope.onEnd(() => client.destroy())
        await eventually(() => assert.ok(server.accepted[0]?.isActive))
        const channel = server.accepted[0] as Channel
        const observing = new Idle({ writerIdleMs: 1000, observeOutput: true })
        const plain = new Idle({ writerIdleMs: 1000 })
        const events = { observing: 0, plain: 0 }
        observing.onIdle = () => void events.observing++
        plain.onIdle = () => void events.plain++
        channel.pipeline.addLast(observing, plain as ChannelHandler)
        const bytes = 100_000_000
        const written = channel.writeAndFlush(Unpooled.wrappedBuffer(new Uint8Array(bytes)))
        await clock.advance(1000)
        assert.deepEqual(events, { observing: 1, plain: 1 }) // the first comes in any case
        const rounds = 20
        for (let round = 1; round < rounds; round++) {
          const before = channel.outboundBuffer?.currentProgress
          await readBytes(client, bytes / rounds)
          client.pause()
          await eventually(() => assert.notEqual(channel.outboundBuffer?.currentProgress, before))
          if (written.isDone) break // the kernel's buffers hold the rest
          await clock.advance(1000)
          assert.deepEqual(events, { observing: 1, plain: 1 + round })
        }
        client.resume()
        await written
      }),
    )
  }
})
