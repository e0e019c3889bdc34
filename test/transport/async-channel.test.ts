import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { AsyncChannel, type ChannelHandler, ChannelOption, ClosedChannelError } from '@knotty/transport'
import { isUnix } from '../support/cell.js'
import { FixedLength, LENGTH } from '../support/fixed-length.js'
import { leakScope } from '../support/leak-scope.js'
import { connect, deferred, option, plainClient, plainServer, readAll, readBytes, serve, untilClosed } from '../support/tcp.js'

const HALF_CLOSURE = option(ChannelOption.ALLOW_HALF_CLOSURE, true)
/** More than any kernel buffer takes. */
const STALLING = 32 << 20

/** Echoes what it reads. */
async function echo(ch: AsyncChannel<ByteBuf, ByteBuf>): Promise<void> {
  for await (const bytes of ch.inbound) await ch.outbound.write(bytes)
}

/** Frame number `index`: its number, again and again. */
function frame(index: number): Buffer {
  const bytes = Buffer.alloc(LENGTH)
  for (let at = 0; at < LENGTH; at += 4) bytes.writeInt32BE(index, at)
  return bytes
}

describe('a server that iterates', () => {
  test('echoes, and keeps bytes of the read slab until they are asked for', leakScope(async (scope) => {
    const group = scope.group()
    const server = await serve(scope, group, () => [AsyncChannel.serve(echo)])
    const client = await plainClient(scope, server.port)
    for (const text of ['hello', 'world']) {
      client.write(text)
      assert.equal((await readBytes(client, 5)).toString(), text)
    }
    client.destroy()
    await (await server.child()).closeFuture
  }))

  test('a slow reader bounds what waits, loses nothing and mixes nothing up', leakScope(async (scope) => {
    const group = scope.group({ readSlabBytes: 4096 })
    const frames = 5000
    const ch = new AsyncChannel<ByteBuf, ByteBuf>({ highWaterMark: 8, lowWaterMark: 2 })
    const autoRead: boolean[] = []
    let largestRead = 0
    const server = await serve(scope, group, (channel) => {
      const config = channel.config
      const set = config.setOption.bind(config)
      config.setOption = (key, value) => {
        if (key === (ChannelOption.AUTO_READ as unknown)) autoRead.push(value as boolean)
        set(key, value)
      }
      const measure: ChannelHandler = {
        channelRead(ctx, msg) {
          largestRead = Math.max(largestRead, (msg as ByteBuf).readableBytes)
          ctx.fireChannelRead(msg)
        },
      }
      return [measure, new FixedLength(), ch]
    })
    const client = await plainClient(scope, server.port)
    for (let index = 0; index < frames; index++) client.write(frame(index))
    client.end()
    let most = 0
    let count = 0
    for await (const msg of ch.inbound) {
      most = Math.max(most, ch.inbound.waiting)
      assert.deepEqual(Buffer.from(msg.asBuffer()), frame(count++))
      msg.release()
      if (count % 10 === 0) await nextTurn()
    }
    assert.equal(count, frames)
    // the slab on libuv, 64 KiB on node:net
    const oneRead = Math.ceil(largestRead / LENGTH)
    assert.ok(most <= 8 - 1 + oneRead, `${most} waited, and one read brought ${oneRead}`)
    assert.ok(autoRead.length >= 2, `AUTO_READ was changed ${autoRead.length} times`)
    assert.ok(autoRead.every((value, index) => value === (index % 2 === 1)), 'off and on by turns')
  }))

  test('nobody reads from a peer whose messages nobody takes', leakScope(async (scope) => {
    const group = scope.group()
    const ch = new AsyncChannel<ByteBuf, ByteBuf>({ highWaterMark: 1 })
    const server = await serve(scope, group, () => [ch])
    const client = await plainClient(scope, server.port)
    client.write(Buffer.alloc(STALLING))
    const channel = await server.child()
    await eventually(() => assert.equal(ch.inbound.waiting, 1))
    const read = channel.bytesRead
    for (let i = 0; i < 20; i++) await nextTurn()
    assert.equal(channel.bytesRead, read)
    assert.ok(client.writableLength > 0)
    await ch[Symbol.asyncDispose]()
    await untilClosed(client)
  }))

  test('a break closes the connection', leakScope(async (scope) => {
    const group = scope.group()
    const left = deferred()
    const server = await serve(scope, group, () => [
      AsyncChannel.serve<ByteBuf, ByteBuf>(async (ch) => {
        for await (const bytes of ch.inbound) {
          await ch.outbound.write(bytes)
          break
        }
        assert.equal(ch.channel.isOpen, false)
        left.resolve()
      }),
    ])
    const client = await plainClient(scope, server.port)
    client.write('one')
    assert.equal((await readAll(client)).toString(), 'one')
    await left.promise
  }))

  test('a reset of the peer is thrown by the loop', { skip: isUnix() ? 'a Unix socket has no reset' : false }, leakScope(async (scope) => {
    const group = scope.group()
    const ch = new AsyncChannel<ByteBuf, ByteBuf>()
    const server = await serve(scope, group, () => [ch])
    const client = await plainClient(scope, server.port)
    const first = deferred()
    const looped = (async () => {
      for await (const bytes of ch.inbound) {
        bytes.release()
        first.resolve()
      }
    })()
    client.write('x')
    await first.promise
    client.resetAndDestroy()
    await assert.rejects(looped, { code: 'ECONNRESET' })
    await ch.channel.closeFuture
  }))

  test('with half-closure: reads to the end of the peer, then answers and finishes', leakScope(async (scope) => {
    const group = scope.group()
    const server = await serve(
      scope,
      group,
      () => [
        AsyncChannel.serve<ByteBuf, ByteBuf>(async (ch) => {
          let bytes = 0
          for await (const msg of ch.inbound) {
            bytes += msg.readableBytes
            msg.release()
          }
          await ch.outbound.write(Unpooled.wrappedBuffer(Buffer.from(`${bytes} bytes`)))
          await ch.outbound.finish()
        }),
      ],
      [HALF_CLOSURE],
    )
    const client = await plainClient(scope, server.port, { allowHalfOpen: true })
    client.end(Buffer.alloc(100_000))
    assert.equal((await readAll(client)).toString(), '100000 bytes')
  }))
})

describe('a client that writes', () => {
  test('is suspended by a peer that does not read, and goes on when it does', leakScope(async (scope) => {
    const group = scope.group()
    const plain = await plainServer(scope)
    const channel = await connect(scope, group, plain.port)
    const ch = AsyncChannel.wrap<ByteBuf, Buffer>(channel)
    const peer = await plain.accept()
    let written = 0
    const writing = (async () => {
      for (let i = 0; i < STALLING >> 20; i++) {
        await ch.outbound.write(Buffer.alloc(1 << 20))
        written++
      }
      await ch.outbound.finish()
    })()
    await eventually(() => assert.equal(channel.isWritable, false))
    const stalledAt = written
    for (let i = 0; i < 20; i++) await nextTurn()
    assert.equal(written, stalledAt)
    // one message at a time
    assert.ok((channel.outboundBuffer?.totalPendingWriteBytes ?? 0) <= (1 << 20) + 96)
    assert.equal((await readAll(peer)).length, STALLING)
    await writing
    peer.end()
    await channel.closeFuture
  }))

  test('rejects when the connection is closed while it is suspended', leakScope(async (scope) => {
    const group = scope.group()
    const plain = await plainServer(scope)
    const channel = await connect(scope, group, plain.port)
    const ch = AsyncChannel.wrap<ByteBuf, Buffer>(channel)
    await plain.accept()
    const writing = ch.outbound.write(Buffer.alloc(STALLING))
    await eventually(() => assert.equal(channel.isWritable, false))
    channel.close()
    await assert.rejects(writing, ClosedChannelError)
    await assert.rejects(ch.outbound.write(Buffer.alloc(1)), ClosedChannelError)
    for await (const msg of ch.inbound) assert.fail(`nothing was sent: ${String(msg)}`)
  }))
})
