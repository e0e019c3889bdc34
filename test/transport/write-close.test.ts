import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelFuture, ClosedChannelError } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { connect, plainServer, readAll } from '../support/tcp.js'

const MEBIBYTE = 1024 * 1024

describe('64 MiB to a peer that does not read, then close()', () => {
  for (const [kind, message] of [
    ['arrays', () => new Uint8Array(MEBIBYTE)],
    ['buffers', () => Unpooled.wrappedBuffer(Buffer.alloc(MEBIBYTE))],
  ] as const) {
    test(
      `reports no byte as written that the kernel did not take, and fails the rest in order (${kind})`,
      leakScope(async (scope) => {
        const group = scope.group()
        const peer = await plainServer(scope)
        const channel = await connect(scope, group, peer.port)
        const socket = await peer.accept()
        const order: number[] = []
        const writes: ChannelFuture[] = []
        for (let index = 0; index < 64; index++) {
          const write = channel.write(message())
          write.addListener(() => order.push(index))
          writes.push(write)
        }
        channel.flush()
        await stalled(channel)
        await channel.close()
        const succeeded = writes.filter((write) => write.isSuccess).length
        const failed = writes.filter((write) => write.cause instanceof ClosedChannelError).length
        assert.equal(succeeded + failed, 64)
        assert.ok(failed > 32, `${failed} failed: the peer did not stall`)
        assert.ok(writes.slice(0, succeeded).every((write) => write.isSuccess))
        assert.deepEqual(order, [...writes.keys()])
        assert.equal(channel.bytesWritten, succeeded * MEBIBYTE)
        const got = await readAll(socket)
        assert.ok(got.length >= succeeded * MEBIBYTE, `${succeeded} MiB were reported as written, the peer got ${got.length} bytes`)
      }),
    )
  }

  test(
    'fails all of one 64 MiB write',
    leakScope(async (scope) => {
      const group = scope.group()
      const peer = await plainServer(scope)
      const channel = await connect(scope, group, peer.port)
      const socket = await peer.accept()
      const write = channel.writeAndFlush(new Uint8Array(64 * MEBIBYTE))
      await stalled(channel)
      await channel.close()
      assert.ok(write.cause instanceof ClosedChannelError)
      assert.ok((await readAll(socket)).length < 64 * MEBIBYTE)
    }),
  )

  test(
    'gives the memory back',
    leakScope(async (scope) => {
      const group = scope.group()
      const peer = await plainServer(scope)
      const baseline = await externalBytes()
      for (let round = 0; round < 4; round++) {
        const channel = await connect(scope, group, peer.port)
        const socket = await peer.accept()
        for (let index = 0; index < 64; index++) channel.write(new Uint8Array(MEBIBYTE), null)
        channel.flush()
        await stalled(channel)
        await channel.close()
        socket.destroy()
      }
      await eventually(async () => {
        const now = await externalBytes()
        assert.ok(now - baseline < 4 * MEBIBYTE, `${(now - baseline) / MEBIBYTE} MiB more than before`)
      })
    }),
  )
})

/** A write is under way and the kernel takes no more of it. */
async function stalled(channel: Channel): Promise<void> {
  const progress = (): number => channel.bytesWritten + (channel.outboundBuffer?.currentProgress ?? 0)
  await eventually(async () => {
    const before = progress()
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(channel.eventLoop.counters.asyncWriteRequests > 0 && before === progress())
  })
}

async function externalBytes(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    ;(globalThis as { gc?: () => void }).gc?.()
  }
  const { external, arrayBuffers } = process.memoryUsage()
  return Math.max(external, arrayBuffers)
}
