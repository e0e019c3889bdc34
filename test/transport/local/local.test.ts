import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, ChannelOption, ClosedChannelError } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'
import { connectTo, LOCAL_PLACE, option, serveAt } from '../../support/tcp.js'
import { recordLogs } from '../../unit/transport/channel/recorded-logs.js'
import { Keeper, open, turns } from './local-pair.js'

const MANUAL = option(ChannelOption.AUTO_READ, false)
const NO_PROBE = option(ChannelOption.LIVENESS_PROBE_MS, 0)

function buffers(count: number, size = 1000): ByteBuf[] {
  return Array.from({ length: count }, (_, index) => Unpooled.buffer(size).writeBytes(Buffer.alloc(size, index)))
}

const counts = (messages: readonly ByteBuf[]): number[] => messages.map((msg) => msg.refCnt)
const code = (error: Error | undefined): string | undefined => (error as { code?: string } | undefined)?.code

describe('messages within the process', () => {
  test('a buffer that was released too early fails its write and the channel, and never reaches the peer', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const { client, child, atChild } = await open(scope)
      const [early] = buffers(1) as [ByteBuf]
      const write = client.write(early)
      early.release()
      client.flush()
      await assert.rejects(Promise.resolve(write), { code: 'ERR_KNOTTY_ILLEGAL_REFERENCE_COUNT' })
      await client.closeFuture
      await child.closeFuture
      assert.deepEqual(atChild.messages, [])
    })()
  })

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
    'come in batches: channelReadComplete behind the last that waits, behind each with AUTO_READ off, and at once when it goes off',
    leakScope(async (scope) => {
      const log: string[] = []
      const group = scope.group()
      const server = await serveAt(scope, group, LOCAL_PLACE, () => [
        {
          channelRead(ctx, msg) {
            log.push(String(msg))
            if (msg === 'stop') ctx.channel.config.autoRead = false
          },
          channelReadComplete(ctx) {
            log.push('complete')
            ctx.fireChannelReadComplete()
          },
        },
      ])
      const client = await connectTo(scope, group, server.address)
      const child = await server.child()
      for (const msg of ['a', 'b', 'stop', 'c', 'd']) client.write(msg)
      client.flush()
      await eventually(() => assert.equal(log.at(-1), 'complete'))
      assert.deepEqual(log, ['a', 'b', 'stop', 'complete'])
      child.read()
      await eventually(() => assert.deepEqual(log.slice(4), ['c', 'complete']))
      child.config.autoRead = true
      await eventually(() => assert.deepEqual(log.slice(6), ['d', 'complete']))
      for (let index = 0; index < 40; index++) client.write(index)
      client.flush()
      await eventually(() => assert.equal(log.filter((line) => line === 'complete').length, 6)) // 16, 16 and 8 of them
    }),
  )

  test(
    'pass between two loops, and a channel may move from one to the other',
    leakScope(async (scope) => {
      const here = scope.group()
      const there = scope.group()
      const keeper = new Keeper()
      const server = await serveAt(scope, there, LOCAL_PLACE, () => [keeper, { channelRead: () => undefined }])
      const client = await connectTo(scope, here, server.address)
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
      const server = await serveAt(scope, there, LOCAL_PLACE, () => [])
      const client = await connectTo(scope, here, server.address)
      await server.child()
      await there.shutdownGracefully({ quietPeriodMs: 0 })
      await client.closeFuture
    }),
  )
})
