import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, type CompositeByteBuf, Unpooled } from '@knotty/buffer'
import { eventually, seededBytes } from '@knotty/testing'
import type { ChannelHandler } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { connect, plainClient, plainServer, readAll, readBytes, serve } from '../support/tcp.js'
import { sha256 } from '../support/test-bytes.js'

const MEBIBYTE = 1024 * 1024
const SIZES = [MEBIBYTE, 3, 700, MEBIBYTE, 1, 0, 4095, 4096, MEBIBYTE, 20]

describe('a composite written to a socket', () => {
  test(
    'arrives byte-identical at a slow reader, whole or as a view, and is released with its components',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      const expected: Buffer[] = []
      const components: ByteBuf[] = []
      const writes = [0, 1, 2].map((round) => {
        const parts = SIZES.map((size, index) => Unpooled.wrappedBuffer(seededBytes(size, round * 100 + index)))
        components.push(...parts)
        const composite = Unpooled.compositeBuffer().addComponents(true, ...parts)
        composite.skipBytes(round * 5)
        expected.push(Buffer.from(composite.unsafeBuffer()))
        if (round < 2) return channel.write(composite)
        const view = composite.retainedSlice()
        composite.release()
        return channel.write(view)
      })
      channel.flush()
      channel.write(Buffer.from('behind'))
      channel.flush()
      assert.equal(channel.isWritable, false)
      const whole = Buffer.concat([...expected, Buffer.from('behind')])
      const received: Buffer[] = []
      while (received.reduce((sum, part) => sum + part.length, 0) < whole.length) {
        const chunk = socket.read() as Buffer | null
        if (chunk !== null) received.push(chunk)
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (const write of writes) await write
      assert.equal(sha256(Buffer.concat(received)), sha256(whole))
      assert.equal(channel.bytesWritten, whole.length)
      assert.ok(components.every((part) => part === Unpooled.EMPTY_BUFFER || part.refCnt === 0))
    }),
  )

  test(
    'is released with its components when the channel closes before it has left',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      await peer.accept()
      const components = Array.from({ length: 8 }, (_, index) => Unpooled.wrappedBuffer(seededBytes(MEBIBYTE, index)))
      const write = channel.writeAndFlush(Unpooled.wrappedBuffer(...components))
      await channel.close()
      await assert.rejects(Promise.resolve(write), { name: 'ClosedChannelError' })
      await eventually(() => assert.deepEqual(components.map(({ refCnt }) => refCnt), Array(8).fill(0)))
    }),
  )

  test(
    'fails the channel, and is released, when one of its components was released too early',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port, [{ exceptionCaught: (ctx) => void ctx.close() }])
      const socket = await peer.accept()
      const [first, second] = [Unpooled.wrappedBuffer(seededBytes(5000, 1)), Unpooled.wrappedBuffer(seededBytes(5000, 2))]
      const composite = Unpooled.compositeBuffer().addComponents(true, first, second.retainedSlice())
      second.release(2)
      await assert.rejects(Promise.resolve(channel.writeAndFlush(composite)))
      await channel.closeFuture
      assert.equal(first.refCnt, 0)
      socket.resume()
    }),
  )
})

describe('a chunk that was read', () => {
  test(
    'stays right as a component kept beyond the handler',
    leakScope(async (scope) => {
      const group = scope.group({ poisonSlab: true, readSlabBytes: 4096 })
      const composite = Unpooled.compositeBuffer(1000)
      const view: ByteBuf[] = []
      const collect: ChannelHandler = {
        channelRead: (_ctx, msg) => {
          composite.addComponent(true, msg as ByteBuf)
          view.push(composite.slice(composite.writerIndex - 1, 1))
        },
      }
      const server = await serve(scope, group, () => [collect])
      const client = await plainClient(scope, server.port)
      const sent = seededBytes(100_000, 9)
      client.write(sent)
      await eventually(() => assert.equal(composite.readableBytes, sent.length))
      assert.ok(composite.numComponents > 1)
      assert.equal(sha256(composite.unsafeBuffer()), sha256(sent))
      for (let index = 0; index < sent.length - 8; index += 997) assert.equal(composite.getLong(index), sent.readBigInt64BE(index))
      let end = 0
      for (const [cIndex, part] of [...composite].entries()) {
        end += part.readableBytes
        assert.equal(view[cIndex]!.getUnsignedByte(0), sent[end - 1])
      }
      assert.equal(composite.release(), true)
    }),
  )

  test(
    'goes back behind a header, as one composite, while the slab is used again',
    leakScope(async (scope) => {
      const group = scope.group({ poisonSlab: true, readSlabBytes: 16_384 })
      const prefixed = (): ChannelHandler => ({
        channelRead: (ctx, msg) => {
          const body = msg as ByteBuf
          const message: CompositeByteBuf = ctx.alloc.compositeBuffer()
          message.addComponents(true, ctx.alloc.buffer(4).writeInt(body.readableBytes), body)
          ctx.write(message, null)
        },
        channelReadComplete: (ctx) => void ctx.flush(),
      })
      const server = await serve(scope, group, () => [prefixed()])
      const client = await plainClient(scope, server.port)
      const sent = seededBytes(600_000, 3)
      client.pause()
      client.write(sent)
      const child = await server.child()
      await eventually(() => assert.equal(child.bytesRead, sent.length))
      const other = await plainClient(scope, server.port)
      other.write(seededBytes(10_000, 4))
      await eventually(() => assert.equal(server.children[1]?.bytesRead, 10_000))
      const bodies: Buffer[] = []
      let left = sent.length
      const all = readAll(client)
      child.close()
      const received = await all
      for (let at = 0; left > 0; ) {
        const length = received.readInt32BE(at)
        bodies.push(received.subarray(at + 4, at + 4 + length))
        at += 4 + length
        left -= length
      }
      assert.equal(sha256(Buffer.concat(bodies)), sha256(sent))
      assert.equal((await readBytes(other, 10_000)).readInt32BE() <= 10_000, true)
    }),
  )
})
