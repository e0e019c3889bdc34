import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type net from 'node:net'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { eventually, ManualTicker, seededBytes } from '@knotty/testing'
import {
  type Channel,
  type ChannelFuture,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelOption,
  ClosedChannelError,
  type EventLoopGroupOptions,
  UnsupportedMessageTypeError,
} from '@knotty/transport'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { connect, option, type OptionValues, plainClient, plainServer, readAll, readBytes, serve } from '../support/tcp.js'
import { sha256 } from '../support/test-bytes.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

interface Pair {
  readonly channel: Channel
  readonly socket: net.Socket
}

async function open(
  scope: LeakScope,
  handlers: readonly ChannelHandler[] = [],
  options: OptionValues = [],
  group: EventLoopGroupOptions = {},
): Promise<Pair> {
  const peer = await plainServer(scope)
  const channel = await connect(scope, scope.group(group), peer.port, handlers, options)
  return { channel, socket: await peer.accept() }
}

/** More than any kernel buffer takes: the write stays under way until the peer reads. */
const STALLING = 32 << 20

describe('write and flush', () => {
  test(
    'complete a promise inside flush() when the kernel takes all at once, and not before',
    leakScope(async (scope) => {
      const { channel } = await open(scope)
      const small = channel.write(Buffer.from('a'))
      const large = channel.write(Buffer.alloc(10_000))
      assert.deepEqual([small.isDone, large.isDone], [false, false])
      channel.flush()
      assert.deepEqual([small.isSuccess, large.isSuccess], [true, true])
      assert.equal(channel.bytesWritten, 10_001)
      assert.ok(channel.lastWriteCompletedAt > 0)
    }),
  )

  test(
    'have stamped lastWriteCompletedAt when the listener of a write runs',
    leakScope(async (scope) => {
      const clock = new ManualTicker()
      const { channel } = await open(scope, [], [], { ticker: clock })
      for (let round = 0; round < 2; round++) {
        await clock.advance(100)
        const write = channel.write(Buffer.from('a'))
        let seen = 0
        write.addListener(() => (seen = channel.lastWriteCompletedAt))
        channel.flush()
        assert.equal(seen, clock.now())
      }
    }),
  )

  test(
    'complete a promise only when the kernel has taken its last byte, when it takes it later',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      const large = channel.writeAndFlush(seededBytes(STALLING, 1))
      const behind = channel.writeAndFlush(Buffer.from('behind'))
      assert.equal(large.isDone, false)
      const got = readBytes(socket, STALLING + 6)
      await large
      assert.ok(socket.bytesRead > 0)
      await behind
      assert.equal(sha256(await got), sha256(Buffer.concat([seededBytes(STALLING, 1), Buffer.from('behind')])))
    }),
  )

  test(
    'carry 16 MiB messages intact between small ones, as arrays and as buffers',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      const size = 16 << 20
      const parts = [seededBytes(3, 1), seededBytes(size, 2), seededBytes(100, 3), seededBytes(4096, 4), seededBytes(size, 5), seededBytes(1, 6)]
      const whole = sha256(Buffer.concat(parts))
      const writes = parts.map((part, index) => channel.write(index % 2 === 0 ? part : Unpooled.wrappedBuffer(part)))
      channel.flush()
      const got = await readBytes(socket, parts.reduce((sum, part) => sum + part.length, 0))
      assert.equal(sha256(got), whole)
      await Promise.all(writes)
    }),
  )

  test(
    'echo big chunks from the read slab to a peer that reads late',
    leakScope(async (scope) => {
      const group = scope.group({ poisonSlab: true })
      const server = await serve(scope, group, () => [{ channelRead: (ctx, msg) => ctx.writeAndFlush(msg, null) }])
      const client = await plainClient(scope, server.port)
      const sent = seededBytes(24 << 20, 9)
      client.write(sent)
      // The client reads nothing until the server cannot write any more.
      await eventually(() => assert.ok(group.counters.asyncWriteRequests > 0))
      assert.equal(sha256(await readBytes(client, sent.length)), sha256(sent))
    }),
  )

  for (const threshold of [0, 1, 4096]) {
    test(
      `carry messages around a COPY_THRESHOLD_BYTES of ${threshold}`,
      leakScope(async (scope) => {
        const { channel, socket } = await open(scope, [], [option(ChannelOption.COPY_THRESHOLD_BYTES, threshold)])
        const parts: Buffer[] = []
        for (let round = 0; round < 20; round++) {
          for (const size of [threshold - 1, threshold, threshold + 1, 0, 2]) if (size >= 0) parts.push(seededBytes(size, parts.length))
        }
        for (const [index, part] of parts.entries()) channel.write(index % 3 === 0 ? Unpooled.wrappedBuffer(part) : part)
        channel.flush()
        const whole = Buffer.concat(parts)
        assert.equal(sha256(await readBytes(socket, whole.length)), sha256(whole))
      }),
    )
  }

  test(
    'carry 3,000 large messages in one flush, at most 1,024 in a request',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope, [], [option(ChannelOption.COPY_THRESHOLD_BYTES, 16)])
      const parts = Array.from({ length: 3000 }, (_, index) => seededBytes(16 + (index % 5), index))
      const got = readBytes(socket, parts.reduce((sum, part) => sum + part.length, 0))
      const writes = parts.map((part) => channel.write(part))
      channel.flush()
      assert.ok(writes.every((write) => write.isSuccess))
      await Promise.all(writes)
      const { counters } = channel.eventLoop
      assert.deepEqual([counters.writeRequests, counters.asyncWriteRequests], [3, 0])
      assert.equal(sha256(await got), sha256(Buffer.concat(parts)))
    }),
  )

  test(
    'carry more than 1 MiB of small messages in one flush',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      const parts = Array.from({ length: 30_000 }, (_, index) => seededBytes(100, index))
      const got = readBytes(socket, 3_000_000)
      const last = parts.map((part) => channel.write(Unpooled.wrappedBuffer(part))).at(-1)
      channel.flush()
      await last
      assert.equal(sha256(await got), sha256(Buffer.concat(parts)))
    }),
  )

  test(
    'complete empty messages in their turn',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      const order: string[] = []
      const write = (name: string, msg: unknown): ChannelFuture => channel.write(msg).addListener(() => order.push(name))
      write('empty 1', new Uint8Array(0))
      write('bytes 1', Buffer.from('one'))
      write('empty 2', Unpooled.EMPTY_BUFFER)
      write('empty 3', Unpooled.buffer(8))
      channel.flush()
      assert.equal(order.length, 4)
      await eventually(() => assert.equal(order.length, 4))
      assert.deepEqual(order, ['empty 1', 'bytes 1', 'empty 2', 'empty 3'])
      write('large', new Uint8Array(STALLING))
      write('empty 4', new Uint8Array(0))
      channel.flush()
      assert.equal(order.length, 4)
      await readBytes(socket, STALLING + 3)
      await eventually(() => assert.deepEqual(order.slice(4), ['large', 'empty 4']))
      assert.ok(channel.writeAndFlush(Unpooled.EMPTY_BUFFER).isSuccess)
    }),
  )

  test(
    'release and skip a message that is cancelled before the flush',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      const msg = Unpooled.copiedBuffer('cancelled')
      channel.write(Buffer.from('a'))
      const cancelled = channel.write(msg)
      channel.write(Buffer.from('b'))
      assert.ok(cancelled.cancel())
      channel.flush()
      assert.equal(msg.refCnt, 0)
      assert.equal((await readBytes(socket, 2)).toString(), 'ab')
      assert.equal(channel.outboundBuffer?.totalPendingWriteBytes, 0)
    }),
  )

  test(
    'release each message once it is sent, and when it cannot be',
    leakScope(async (scope) => {
      const { channel } = await open(scope)
      const sent = Unpooled.copiedBuffer('sent')
      channel.writeAndFlush(sent, null)
      await eventually(() => assert.equal(sent.refCnt, 0))
      const stalled = Unpooled.wrappedBuffer(Buffer.alloc(STALLING))
      channel.writeAndFlush(stalled, null)
      const behind = Unpooled.copiedBuffer('behind')
      channel.write(behind, null)
      assert.deepEqual([stalled.refCnt, behind.refCnt], [1, 1])
      await channel.close()
      const late = Unpooled.copiedBuffer('late')
      const write = channel.write(late)
      assert.ok(write.cause instanceof ClosedChannelError)
      assert.equal(channel.write(Unpooled.copiedBuffer('later'), null), null)
      assert.deepEqual([stalled.refCnt, behind.refCnt, late.refCnt], [0, 0, 0])
    }),
  )

  test(
    'refuse a string and name StringEncoder',
    leakScope(async (scope) => {
      const { channel } = await open(scope)
      const write = channel.writeAndFlush('text')
      assert.ok(write.cause instanceof UnsupportedMessageTypeError)
      assert.match(write.cause.message, /StringEncoder/)
      for (const msg of [42, {}, null, undefined, Symbol('x'), Object.create(null)]) {
        assert.ok(channel.write(msg).cause instanceof UnsupportedMessageTypeError)
      }
      assert.ok((await channel.writeAndFlush(Buffer.from('x'))) === undefined)
    }),
  )

  test(
    'with null as promise return null and still arrive',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      assert.equal(channel.write(Buffer.from('a'), null), null)
      assert.equal(channel.writeAndFlush(Buffer.from('b'), null), null)
      assert.equal((await readBytes(socket, 2)).toString(), 'ab')
    }),
  )

  test('close the channel when a message was released before it could be sent, and harm no other channel', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group({ writeSlabBytes: 1024 })
      const peer = await plainServer(scope)
      const stalled = await connect(scope, group, peer.port)
      const stalledPeer = await peer.accept()
      const healthy = await connect(scope, group, peer.port)
      const healthyPeer = await peer.accept()
      stalled.writeAndFlush(new Uint8Array(STALLING), null)
      stalled.write(Buffer.from('s'.repeat(600)), null)
      for (let round = 0; round < 3; round++) {
        const broken = await connect(scope, group, peer.port)
        const msg = Unpooled.copiedBuffer('too early')
        for (let index = 0; index < 4; index++) broken.write(Buffer.alloc(900, 'b'), null)
        const write = broken.write(msg)
        msg.release()
        broken.flush()
        assert.equal((write.cause as { code?: string } | undefined)?.code, 'ERR_KNOTTY_ILLEGAL_REFERENCE_COUNT')
        assert.equal(broken.isOpen, false)
      }
      stalled.flush()
      for (let index = 0; index < 4; index++) healthy.writeAndFlush(Buffer.alloc(900, 'h'), null)
      assert.equal((await readBytes(healthyPeer, 3600)).toString(), 'h'.repeat(3600))
      assert.equal((await readBytes(stalledPeer, STALLING + 600)).subarray(STALLING).toString(), 's'.repeat(600))
    })()
  })
})

describe('re-entrant writes', () => {
  test(
    'from the listener of a write go out behind what waits already',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      const depths: number[] = []
      let depth = 0
      channel.write(Buffer.from('a')).addListener(() => {
        depth++
        channel.writeAndFlush(Buffer.from('c')).addListener(() => depths.push(depth))
        depth--
      })
      channel.write(Buffer.from('b'))
      channel.flush()
      assert.equal((await readBytes(socket, 3)).toString(), 'abc')
      assert.deepEqual(depths, [0])
    }),
  )

  test(
    'from oncomplete of an asynchronous write go out in order',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope)
      const done: string[] = []
      channel.write(new Uint8Array(STALLING)).addListener(() => {
        channel.writeAndFlush(Buffer.from('late')).addListener(() => done.push('late'))
      })
      channel.write(Buffer.from('early')).addListener(() => done.push('early'))
      channel.flush()
      const got = await readBytes(socket, STALLING + 9)
      assert.equal(got.subarray(STALLING).toString(), 'earlylate')
      assert.deepEqual(done, ['early', 'late'])
    }),
  )

  test(
    'from channelWritabilityChanged follow a slow peer over the water marks, one event for each transition',
    leakScope(async (scope) => {
      const total = 24 << 20
      const events: boolean[] = []
      let written = 0
      const pump = (ctx: ChannelHandlerContext): void => {
        while (ctx.channel.isWritable && written < total) {
          ctx.write(seededBytes(16384, written >>> 14), null)
          written += 16384
        }
        ctx.flush()
      }
      const { channel, socket } = await open(scope, [
        {
          channelWritabilityChanged: (ctx) => {
            events.push(ctx.channel.isWritable)
            if (ctx.channel.isWritable) pump(ctx)
          },
        },
      ])
      const hash = createHash('sha256')
      for (let index = 0; index < total / 16384; index++) hash.update(seededBytes(16384, index))
      channel.pipeline.fireChannelWritabilityChanged()
      await eventually(() => assert.equal(channel.isWritable, false))
      const stalledAt = written
      assert.ok(stalledAt < total)
      assert.ok((channel.outboundBuffer?.totalPendingWriteBytes ?? 0) > 32768)
      assert.equal(sha256(await readBytes(socket, total)), hash.digest('hex'))
      await eventually(() => assert.equal(channel.isWritable, true))
      const transitions = events.slice(1)
      assert.ok(transitions.every((writable, index) => writable === (index % 2 === 1)), String(transitions))
    }),
  )

  test(
    'and a close inside channelWritabilityChanged during write() fail that write',
    leakScope(async (scope) => {
      const { channel, socket } = await open(scope, [{ channelWritabilityChanged: (ctx) => void ctx.close() }])
      const write = channel.write(new Uint8Array(100_000))
      assert.ok(write.cause instanceof ClosedChannelError)
      assert.equal((await readAll(socket)).length, 0)
    }),
  )
})
