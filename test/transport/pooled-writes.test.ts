import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type ByteBuf, PooledByteBufAllocator, Unpooled } from '@knotty/buffer'
import { eventually, seededBytes } from '@knotty/testing'
import { ChannelOption } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { connect, option, plainServer, readAll, readBytes } from '../support/tcp.js'
import { sha256 } from '../support/test-bytes.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

/** A pool in which released memory shows at once. */
const poisoned = (): PooledByteBufAllocator => new PooledByteBufAllocator({ poison: true })

function fill(buffer: ByteBuf, bytes: Uint8Array): ByteBuf {
  return buffer.writeBytes(bytes)
}

/** The bytes, as pooled memory of a message or of its parts. */
function pooled(alloc: PooledByteBufAllocator, kind: string, bytes: Buffer): ByteBuf {
  if (kind === 'a message') return fill(alloc.buffer(bytes.length), bytes)
  const parts = [bytes.subarray(0, 300_000), bytes.subarray(300_000, 300_010), bytes.subarray(300_010)]
  const composite = Unpooled.wrappedBuffer(...parts.map((part) => fill(alloc.buffer(), part)))
  if (kind === 'a composite and its components') return composite
  const outer = alloc.compositeBuffer().addComponents(true, fill(alloc.buffer(), Buffer.from('before')), composite)
  return outer.skipBytes(6).slice()
}

/** Takes the pool's idle memory and writes to all of it, as other channels would. */
function trample(alloc: PooledByteBufAllocator): void {
  const taken: ByteBuf[] = []
  while (alloc.metric.pooledBytes > 0 && taken.length < 10_000) {
    for (let size = 256; size <= 1 << 20; size *= 2) taken.push(alloc.buffer(size).writeBytes(new Uint8Array(size).fill(0xee)))
  }
  for (const buffer of taken) buffer.release()
}

describe('writes of pooled memory', () => {
  test('arrive intact at slow readers while the memory goes round between channels', { timeout: 60_000 }, () =>
    leakScope(async (scope) => {
      const alloc = poisoned()
      const sizes = [10, 300, 4000, 4096, 5000, 16_384, 70_000, 400_000]
      const peer = await plainServer(scope)
      const group = scope.group()
      const pairs = []
      for (let index = 0; index < 4; index++) {
        const channel = await connect(scope, group, peer.port, [], [option(ChannelOption.ALLOCATOR, alloc)])
        pairs.push({ channel, socket: await peer.accept() })
      }
      const done = pairs.map(async ({ channel, socket }, which) => {
        const sent = createHash('sha256')
        const got = createHash('sha256')
        let bytes = 0
        let read = 0
        let reads = 0
        socket.on('data', (chunk: Buffer) => {
          got.update(chunk)
          read += chunk.length
          if (++reads % 4 !== which) return
          socket.pause()
          setTimeout(() => socket.resume(), 1)
        })
        for (let index = 0; index < 150; index++) {
          const message = seededBytes(sizes[(index * 7 + which) % sizes.length] as number, index * 4 + which)
          sent.update(message)
          bytes += message.length
          const buffer = index % 3 === 0 ? channel.alloc.buffer(message.length) : channel.alloc.buffer()
          const write = channel.writeAndFlush(fill(buffer, message))
          if (!channel.isWritable) {
            socket.resume()
            await write
          }
          if (index % 5 === 0) await turn()
        }
        socket.resume()
        await eventually(() => assert.equal(read, bytes), 30_000)
        assert.equal(got.digest('hex'), sent.digest('hex'))
      })
      await Promise.all(done)
      assert.ok(group.next().counters.asyncWriteRequests > 0, 'nothing was slow')
      assert.equal(alloc.metric.usedBytes, 0)
      assert.ok(alloc.metric.reuses > alloc.metric.allocations / 3, JSON.stringify(alloc.metric))
    })(),
  )

  test(
    'the memory of a write that goes asynchronous comes back when the kernel has taken it, and not before',
    leakScope(async (scope) => {
      const alloc = poisoned()
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      const messages = Array.from({ length: 24 }, (_, index) => seededBytes(1 << 20, index))
      const writes = messages.map((bytes) => channel.write(fill(alloc.buffer(bytes.length), bytes)))
      channel.flush()
      const last = writes.at(-1)!
      assert.equal(last.isDone, false)
      assert.ok(alloc.metric.usedBytes > 0)
      trample(alloc)
      const got = await readBytes(socket, 24 << 20)
      await last
      assert.equal(sha256(got), sha256(Buffer.concat(messages)))
      assert.equal(alloc.metric.usedBytes, 0)
      assert.ok(alloc.metric.pooledBytes > 0)
    }),
  )

  for (const kind of ['a message', 'a composite and its components', 'a slice of a composite of composites'] as const) {
    test(
      `what is under way when the output is shut down is sent as it was, although ${kind} is released at once`,
      leakScope(async (scope) => {
        const alloc = poisoned()
        const peer = await plainServer(scope)
        const channel = await connect(scope, scope.group(), peer.port)
        const socket = await peer.accept()
        const messages = Array.from({ length: 24 }, (_, index) => seededBytes(1 << 20, index))
        const whole = Buffer.concat(messages)
        for (const bytes of messages) channel.write(pooled(alloc, kind, bytes), null)
        channel.flush()
        const shutdown = channel.shutdownOutput()
        assert.equal(alloc.metric.usedBytes, 0)
        trample(alloc)
        const got = await readAll(socket)
        await shutdown
        assert.ok(got.length > 1 << 20 && got.length < whole.length, `${got.length} bytes`)
        assert.equal(sha256(got), sha256(whole.subarray(0, got.length)))
      }),
    )
  }

  test('what is under way stays as it was when somebody releases the message too often', async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const alloc = poisoned()
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      const messages = Array.from({ length: 24 }, (_, index) => fill(alloc.buffer(1 << 20), seededBytes(1 << 20, index)))
      const expected = Buffer.concat(messages.map((_, index) => seededBytes(1 << 20, index)))
      for (const message of messages.slice(0, -1)) channel.writeAndFlush(message, null)
      const current = channel.outboundBuffer!.current as ByteBuf
      current.release()
      trample(alloc)
      const got: Buffer[] = []
      let bytes = 0
      socket.on('data', (chunk: Buffer) => {
        got.push(chunk)
        bytes += chunk.length
      })
      socket.resume()
      await eventually(() => assert.equal(bytes, 23 << 20))
      messages.at(-1)!.release()
      assert.equal(sha256(Buffer.concat(got)), sha256(expected.subarray(0, bytes)))
    })()
    assert.ok(logs.some((line) => line.message.includes('could not be released')))
  })

  test('a message that is released too often while a part of it is under way fails the channel, and every write', async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      const message = poisoned().buffer(24 << 20).writeZero(24 << 20)
      const writes = [channel.write(message), channel.write(Buffer.from('behind'))]
      channel.flush()
      message.release()
      socket.resume()
      for (const write of writes) await assert.rejects(Promise.resolve(write), { code: 'ERR_KNOTTY_ILLEGAL_REFERENCE_COUNT' })
      await channel.closeFuture
    })()
    assert.ok(logs.some((line) => line.message.includes('could not be released')))
  })

  test(
    'a buffer that grows while it is written leaves what is under way as it was',
    leakScope(async (scope) => {
      const alloc = poisoned()
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      const sent: Buffer[] = []
      for (;;) {
        const bytes = seededBytes(1 << 20, sent.length)
        sent.push(bytes)
        const buffer = fill(alloc.buffer(bytes.length), bytes)
        const growing = buffer.retainedDuplicate()
        const write = channel.writeAndFlush(buffer)
        if (!write.isDone) {
          growing.writeZero(20_000)
          trample(alloc)
          socket.resume()
        }
        growing.release()
        if (write.isDone) continue
        const got = await readBytes(socket, sent.length << 20)
        await write
        assert.equal(sha256(got), sha256(Buffer.concat(sent)))
        break
      }
      assert.equal(alloc.metric.usedBytes, 0)
    }),
  )

  for (const how of ['close', 'abort'] as const) {
    test(
      `${how}() with a write under way gives all memory back`,
      leakScope(async (scope) => {
        const alloc = poisoned()
        const peer = await plainServer(scope)
        const channel = await connect(scope, scope.group(), peer.port)
        await peer.accept()
        for (let index = 0; index < 24; index++) channel.write(alloc.buffer(1 << 20).writeZero(1 << 20), null)
        channel.flush()
        await channel[how]()
        assert.equal(alloc.metric.usedBytes, 0)
      }),
    )
  }
})
