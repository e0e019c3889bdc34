import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import { type LimitedClient, LimitedServer } from '../support/limited-server.js'
import { SOCKET_TRANSPORTS, TCP_TRANSPORTS, type TestTransport } from '../support/transports.js'

const REASON = 'too few descriptors are free'
/** More than modules are opened at once while the server starts: with 64 it failed there now and then. */
const DESCRIPTORS = 256
const CLIENTS = 400
/** How a client sees that it was closed before its byte came back. */
const CLOSED: ReadonlySet<string> = new Set(['end', 'closed', 'ECONNRESET', 'EPIPE'])

/** Runs with a server of its own, which is ended afterwards. */
function withServer(
  transport: TestTransport,
  settings: { readonly headroom?: number },
  body: (server: LimitedServer) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const closers: (() => unknown)[] = []
    const scope = { onEnd: (close: () => unknown) => void closers.push(close) }
    try {
      await body(await LimitedServer.start(scope, transport, DESCRIPTORS, settings.headroom))
    } finally {
      for (const close of closers.reverse()) await close()
    }
  }
}

function split(clients: readonly LimitedClient[]): { served: LimitedClient[]; closed: LimitedClient[] } {
  const served = clients.filter(({ outcome }) => outcome === 'served')
  const closed = clients.filter(({ outcome }) => CLOSED.has(outcome))
  assert.equal(served.length + closed.length, clients.length, clients.map(({ outcome }) => outcome).join(' '))
  return { served, closed }
}

async function destroyAll(clients: readonly LimitedClient[]): Promise<void> {
  await Promise.all(clients.map(({ socket }) => (socket.closed ? undefined : once(socket.destroy(), 'close'))))
}

/** A while that takes no time of the server: other processes come and go, at least four (which Bun starts in 2 ms each). */
async function aWhile(): Promise<number> {
  const start = performance.now()
  for (let count = 0; count < 4 || performance.now() - start < 150; count++) {
    await once(spawn(process.execPath, ['--eval', ''], { stdio: 'ignore' }), 'exit')
  }
  return performance.now() - start
}

for (const transport of SOCKET_TRANSPORTS) {
  describe(`a server with ${DESCRIPTORS} descriptors under ${CLIENTS} clients, ${transport.name}`, () => {
    test(
      'stays up, serves those it admits, tells of each it refuses, idles meanwhile, and serves again when descriptors are free',
      withServer(transport, {}, async (server) => {
        const { served, closed } = split(await server.connect(CLIENTS))
        await eventually(async () => assert.equal((await server.ask()).counters.accepted, CLIENTS))
        const full = await server.ask()
        assert.ok(served.length > 0 && closed.length > 0)
        assert.deepEqual([full.accepted, full.open, served.length + closed.length], [served.length, served.length, CLIENTS])
        assert.deepEqual(full.reasons, Array(closed.length).fill(REASON))
        assert.deepEqual([full.counters.refused, full.published], [closed.length, closed.length])
        // The peer of a Unix domain socket has no address.
        if (transport.family === 'unix') assert.equal(full.withAddress, 0)
        else assert.equal(full.withAddress, closed.length)

        const before = (await server.ask()).cpuMs
        const elapsedMs = await aWhile()
        const usedMs = (await server.ask()).cpuMs - before
        assert.ok(usedMs * 4 < elapsedMs, `${usedMs} ms of CPU in ${elapsedMs} ms`)

        // The admitted are served all the time; when they go, as many others are.
        for (const { socket } of served) {
          socket.write('y')
          assert.equal(String((await once(socket, 'data'))[0]), 'y')
        }
        await destroyAll([...served, ...closed])
        await eventually(async () => assert.equal((await server.ask()).open, 0))
        const again = await server.connect(served.length)
        assert.deepEqual(again.map(({ outcome }) => outcome), Array(served.length).fill('served'))
        assert.equal((await server.ask()).counters.refused, closed.length)
        await destroyAll(again)
        assert.ok(server.isRunning)
      }),
    )
  })
}

for (const transport of TCP_TRANSPORTS) {
  describe(`DESCRIPTOR_HEADROOM, ${transport.name}`, () => {
    test(
      'counts the descriptors that files took, and serves when they are closed',
      withServer(transport, {}, async (server) => {
        await server.ask({ op: 'fill', upTo: DESCRIPTORS - 32 })
        const refused = await server.connect(5)
        assert.ok(refused.every(({ outcome }) => CLOSED.has(outcome)))
        const { reasons, open } = await server.ask({ op: 'empty' })
        assert.deepEqual([reasons, open], [Array(5).fill(REASON), 0])
        const served = await server.connect(5)
        assert.deepEqual(served.map(({ outcome }) => outcome), Array(5).fill('served'))
        await destroyAll([...refused, ...served])
      }),
    )

    test(
      'says how many are left free: the connection that takes the last one before is admitted, the next is not',
      withServer(transport, { headroom: 10 }, async (server) => {
        await server.ask({ op: 'fill', upTo: DESCRIPTORS - 10 - 3 })
        const served = await server.connect(3)
        assert.deepEqual(served.map(({ outcome }) => outcome), Array(3).fill('served'))
        const refused = await server.connect(2)
        assert.ok(refused.every(({ outcome }) => CLOSED.has(outcome)))
        assert.deepEqual((await server.ask()).reasons, Array(2).fill(REASON))
        await destroyAll([...refused, ...served])
      }),
    )

    test(
      'larger than the limit refuses everybody',
      withServer(transport, { headroom: 1000 }, async (server) => {
        const refused = await server.connect(3)
        assert.ok(refused.every(({ outcome }) => CLOSED.has(outcome)))
        assert.deepEqual((await server.ask()).reasons, Array(3).fill(REASON))
        await destroyAll(refused)
      }),
    )

    test(
      '0 leaves it to libuv, which closes what finds no descriptor, with no event',
      withServer(transport, { headroom: 0 }, async (server) => {
        const { served, closed } = split(await server.connect(CLIENTS))
        const { accepted, counters, reasons } = await server.ask()
        assert.deepEqual([accepted, counters, reasons], [served.length, { accepted: served.length, refused: 0 }, []])
        assert.ok(closed.length > 0)
        await destroyAll([...served, ...closed])
        await eventually(async () => assert.equal((await server.ask()).open, 0))
        const again = await server.connect(served.length)
        assert.deepEqual(again.map(({ outcome }) => outcome), Array(served.length).fill('served'))
        await destroyAll(again)
      }),
    )
  })
}
