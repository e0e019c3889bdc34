import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, ChannelOption } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { connect, deferred, plainServer } from '../support/tcp.js'

/** Write system calls of this process so far. */
function writeCalls(): number {
  return Number(/syscw: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))?.[1])
}

/** The median of 100 rounds: what else the process writes meanwhile does not count. */
function medianWriteCalls(round: () => void): number {
  const counts: number[] = []
  for (let index = 0; index < 100; index++) {
    const before = writeCalls()
    round()
    counts.push(writeCalls() - before)
  }
  return counts.sort((a, b) => a - b)[50] as number
}

describe('a flush', () => {
  for (const [what, write] of [
    ['small messages', (channel: Channel) => channel.write(Unpooled.copiedBuffer('message'))],
    ['messages above the copy threshold', (channel: Channel) => channel.write(Buffer.alloc(5000))],
    ['messages with nobody watching', (channel: Channel) => channel.write(Buffer.alloc(50), null)],
  ] as const) {
    test(
      `of ten ${what} is one system call, and the writes before it are none`,
      leakScope(async (scope) => {
        const peer = await plainServer(scope)
        const channel = await connect(scope, scope.group(), peer.port)
        ;(await peer.accept()).resume()
        const writeTen = (): void => {
          for (let index = 0; index < 10; index++) write(channel)
        }
        assert.equal(medianWriteCalls(() => channel.flush()), 0)
        assert.equal(
          medianWriteCalls(() => {
            writeTen()
            channel.flush()
          }),
          1,
        )
        await eventually(() => assert.equal(channel.outboundBuffer?.size, 0))
        channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 1 << 28, high: 1 << 29 })
        assert.equal(medianWriteCalls(writeTen), 0)
        channel.flush()
        await eventually(() => assert.equal(channel.outboundBuffer?.size, 0))
      }),
    )
  }

  test(
    'that never comes leaves the channel unwritable above 64 KiB, and nothing is sent',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      const before = channel.eventLoop.counters.writeRequests
      for (let index = 0; index < 10; index++) {
        assert.equal(channel.isWritable, true)
        channel.write(Buffer.alloc(7000), null)
      }
      assert.equal(channel.isWritable, false)
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(channel.eventLoop.counters.writeRequests, before)
      assert.equal(socket.bytesRead, 0)
      channel.flush()
      assert.equal(channel.isWritable, true)
    }),
  )
})

describe('a listener that writes and flushes for ever', () => {
  for (const [what, size, before] of [
    ['added before the flush, small messages', 10, true],
    ['added before the flush, large messages', 100_000, true],
    ['added after the flush, small messages', 10, false],
  ] as const) {
    test(
      `starves neither a timer nor another connection (${what})`,
      leakScope(async (scope) => {
        const group = scope.group()
        const peer = await plainServer(scope)
        const channel = await connect(scope, group, peer.port)
        ;(await peer.accept()).resume()
        const other = await connect(scope, group, peer.port)
        const otherPeer = await peer.accept()
        let writes = 0
        let stopped = false
        const again = (): void => {
          writes++
          if (stopped) return
          const promise = channel.newPromise()
          if (before) promise.addListener(again)
          channel.writeAndFlush(Buffer.alloc(size), promise)
          if (!before) promise.addListener(again)
        }
        again()
        const heard = deferred()
        otherPeer.once('data', () => heard.resolve()).resume()
        const timer = deferred()
        group.schedule(() => {
          other.writeAndFlush(Buffer.from('alive'), null)
          timer.resolve()
        }, 10)
        await timer.promise
        await heard.promise
        const atTimer = writes
        stopped = true
        // A loop that starves timers makes more than a million writes a second before anything else happens.
        assert.ok(atTimer < 300_000, `${atTimer} writes before the timer`)
      }),
    )
  }
})

describe('400 peers that do not read', () => {
  test('with a small write each pin less than 1 MiB of write slabs', { timeout: 50_000 }, async () => {
    await leakScope(async (scope) => {
      const writeSlabBytes = 65536
      const group = scope.group({ writeSlabBytes })
      const peer = await plainServer(scope)
      const channels: Channel[] = []
      // The large ones need no slab and fill the kernel's buffers; each request of about 1 MiB carries one of the small ones.
      const large = new Uint8Array(1_000_000)
      for (let index = 0; index < 400; index++) {
        const channel = await connect(scope, group, peer.port)
        await peer.accept()
        channels.push(channel)
        for (let round = 0; round < 10; round++) {
          channel.write(large, null)
          channel.write(Buffer.alloc(200, 1), null)
        }
        channel.flush()
      }
      const { counters } = group
      // one for each, and now and then one more: the kernel may enlarge a receive buffer after it has said no
      assert.ok(counters.asyncWriteRequests >= 400, String(counters.asyncWriteRequests))
      assert.ok(channels.every((channel) => channel.outboundBuffer?.isEmpty === false))
      const pinned = counters.writeSlabs * writeSlabBytes
      assert.ok(pinned < 1024 * 1024, `${pinned} bytes are pinned`)
      assert.ok(counters.writeSlabs >= 2, '400 x 200 bytes are more than one slab')
    }, 20_000)()
  })

  test('pin no slab that other channels use up meanwhile', { timeout: 50_000 }, async () => {
    await leakScope(async (scope) => {
      const group = scope.group({ writeSlabBytes: 4096 })
      const peer = await plainServer(scope)
      const busy = await connect(scope, group, peer.port)
      ;(await peer.accept()).resume()
      for (let index = 0; index < 20; index++) {
        const channel = await connect(scope, group, peer.port)
        await peer.accept()
        for (let round = 0; round < 10; round++) {
          channel.write(new Uint8Array(1_000_000), null)
          channel.write(Buffer.alloc(20, 1), null)
        }
        channel.flush()
        for (let round = 0; round < 10; round++) {
          await busy.writeAndFlush(Buffer.alloc(1000))
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      assert.ok(group.counters.asyncWriteRequests >= 20)
      assert.ok(group.counters.writeSlabs <= 2, `${group.counters.writeSlabs} slabs`)
    }, 20_000)()
  })
})
