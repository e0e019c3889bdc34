import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Storage, Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import type { Channel, ChannelHandler, ChannelHandlerContext } from '@knotty/transport'
import * as fc from 'fast-check'
import { leakScope } from '../support/leak-scope.js'
import { connect, deferred, plainClient, readBytes, serve } from '../support/tcp.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

class Echo implements ChannelHandler {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }
}

/** What a handler did with a chunk that it did not release while it was in the slab. */
interface Kept {
  readonly view: ByteBuf
  readonly bytes: string
}

describe('the read slab', () => {
  test(
    'copies nothing over 10,000 chunks that are echoed in time',
    leakScope(async (scope) => {
      const group = scope.group({ poisonSlab: true })
      const server = await serve(scope, group, () => [new Echo()])
      const rounds = 5000
      let round = 0
      const done = deferred()
      const next = (ctx: ChannelHandlerContext): void => {
        const message = ctx.alloc.buffer(8)
        message.writeInt(round).writeInt(~round)
        ctx.writeAndFlush(message, null)
      }
      await connect(scope, group, server.port, [
        {
          channelActive: (ctx) => next(ctx),
          channelRead: (ctx, msg) => {
            const chunk = msg as ByteBuf
            if (chunk.readInt() !== round || chunk.readInt() !== ~round) done.reject(new Error(`round ${round} was not echoed`))
            chunk.release()
            if (++round === rounds) done.resolve()
            else next(ctx)
          },
        },
      ])
      await done.promise
      assert.equal(group.counters.slabChunks, 2 * rounds)
      assert.equal(group.counters.slabCopies, 0)
    }),
  )

  for (const [what, expected, keep] of [
    ['keeps it', 1, (chunk: ByteBuf) => chunk],
    ['keeps a retained slice of it and releases it', 1, (chunk: ByteBuf) => {
      const slice = chunk.retainedSlice()
      chunk.release()
      return slice
    }],
    ['asks for asBuffer() and releases it', 1, (chunk: ByteBuf) => {
      const bytes = chunk.asBuffer()
      chunk.release()
      return Unpooled.wrappedBuffer(bytes)
    }],
    ['asks for asBuffer() twice and keeps it', 1, (chunk: ByteBuf) => {
      chunk.asBuffer()
      chunk.asBuffer()
      return chunk
    }],
    ['copies it and releases it', 0, (chunk: ByteBuf) => {
      const copy = chunk.copy()
      chunk.release()
      return copy
    }],
    ['writes to it, which makes it grow, and keeps it', 1, (chunk: ByteBuf) => chunk.writeByte(33)],
  ] as const) {
    test(
      `counts ${expected} copy a chunk for a handler that ${what}, and the bytes stay right`,
      leakScope(async (scope) => {
        const group = scope.group({ poisonSlab: true })
        const kept: Kept[] = []
        const server = await serve(scope, group, () => [
          {
            channelRead: (_ctx, msg) => {
              const bytes = (msg as ByteBuf).toString('latin1')
              const view = keep(msg as ByteBuf)
              kept.push({ view, bytes: view.readableBytes > bytes.length ? `${bytes}!` : bytes })
            },
          },
        ])
        const client = await plainClient(scope, server.port)
        for (let index = 0; index < 20; index++) {
          client.write(`chunk ${index}`)
          await eventually(() => assert.equal(kept.length, index + 1))
        }
        assert.equal(group.counters.slabChunks, 20)
        assert.equal(group.counters.slabCopies, 20 * expected)
        for (const { view, bytes } of kept) assert.equal(view.toString('latin1'), bytes)
      }),
    )
  }

  test(
    'is overwritten after each chunk when poisoned, so that an unsafeBuffer() kept too long shows',
    leakScope(async (scope) => {
      const group = scope.group({ poisonSlab: true })
      const kept = deferred<Buffer>()
      const server = await serve(scope, group, () => [
        {
          channelRead: (_ctx, msg) => {
            kept.resolve((msg as ByteBuf).unsafeBuffer())
            ;(msg as ByteBuf).release()
          },
        },
      ])
      ;(await plainClient(scope, server.port)).write('abc')
      assert.deepEqual(await kept.promise, Buffer.from([0xdd, 0xdd, 0xdd]))
    }),
  )

  test('is not given to a write, not even as an array cut from it with unsafeBuffer()', { timeout: 20_000 }, async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group({ poisonSlab: true, readSlabBytes: 16384 })
      const chunkBytes = 8192
      let written = 0
      // Writes each chunk back without a copy of its own until the write goes asynchronous, and some more.
      const server = await serve(scope, group, (channel) => [
        {
          channelRead: (ctx, msg) => {
            const chunk = msg as ByteBuf
            written += chunk.readableBytes
            const bytes = chunk.unsafeBuffer()
            ctx.writeAndFlush(written % 2 === 0 ? bytes : Unpooled.wrappedBuffer(bytes), null)
            chunk.release()
            // Later writes would wait for a flush that comes when the slab holds other bytes: a mistake of the handler's own.
            if (!channel.isWritable || group.counters.asyncWriteRequests > 0) channel.config.autoRead = false
          },
        },
      ])
      const client = await plainClient(scope, server.port)
      client.pause()
      const sent = Buffer.alloc(chunkBytes, 'x')
      const child = await server.child()
      while (child.config.autoRead) {
        if (client.writableLength < 1_000_000) client.write(sent)
        await new Promise((resolve) => setImmediate(resolve))
      }
      const echoedBytes = written
      // Another connection uses the slab while the write is under way.
      const other = await plainClient(scope, server.port)
      other.write(Buffer.alloc(4096, 'o'))
      assert.equal((await readBytes(other, 4096)).toString('latin1'), 'o'.repeat(4096))
      assert.ok(group.counters.asyncWriteRequests > 0)
      const echoed = await readBytes(client, echoedBytes)
      assert.equal(echoed.toString('latin1'), 'x'.repeat(echoedBytes))
    })()
  })

  test('makes the views of a kept chunk throw, and closes the channel, when there is no memory for the copy', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const kept = deferred<ByteBuf>()
      const server = await serve(scope, group, () => [{ channelRead: (_ctx, msg) => kept.resolve(msg as ByteBuf) }])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      const moveOut = t.mock.method(Storage.prototype, 'moveOut', () => {
        throw new RangeError('Array buffer allocation failed')
      })
      client.write('abc')
      const view = await kept.promise
      await child.closeFuture
      moveOut.mock.restore()
      assert.throws(() => view.readByte(), { name: 'IllegalReferenceCountError' })
    })()
  })

  test('never shows one connection the bytes of another, whatever the handlers do with their chunks', { timeout: 50_000 }, async () => {
    const actions = fc.array(fc.constantFrom('keep', 'slice', 'buffer', 'echo', 'release', 'late', 'grow'), { minLength: 4, maxLength: 12 })
    const sizes = fc.array(fc.constantFrom(1, 7, 100, 4095, 4096, 5000, 20_000), { minLength: 1, maxLength: 6 })
    const plans = fc.array(fc.tuple(actions, sizes), { minLength: 2, maxLength: 5 })
    const run = fc.asyncProperty(plans, fc.constantFrom(2048, 65536), (plan, slab) => leakScope((scope) => interleave(scope, plan, slab))())
    await fc.assert(run, { numRuns: 25, interruptAfterTimeLimit: 40_000 })
  })
})

/** Each connection sends bytes that only it sends; its server side keeps, writes back or releases each chunk by the plan. */
async function interleave(
  scope: Parameters<Parameters<typeof leakScope>[0]>[0],
  plan: readonly (readonly [readonly string[], readonly number[]])[],
  readSlabBytes: number,
): Promise<void> {
  const group = scope.group({ poisonSlab: true, readSlabBytes, writeSlabBytes: 2048 })
  const kept: { mark: number; view: ByteBuf | Buffer }[] = []
  const received = new Map<Channel, number>()
  const check = (mark: number, view: ByteBuf | Buffer): void => {
    const bytes = Buffer.isBuffer(view) ? view : view.unsafeBuffer()
    for (const byte of bytes) if (byte !== mark) assert.fail(`connection ${mark} sees a byte ${byte}`)
  }
  const server = await serve(scope, group, (channel) => {
    let chunks = 0
    let late: ByteBuf | undefined
    const handler: ChannelHandler = {
      channelRead: (ctx, msg) => {
        const chunk = msg as ByteBuf
        const mark = chunk.getUnsignedByte(0)
        received.set(channel, (received.get(channel) ?? 0) + chunk.readableBytes)
        check(mark, chunk)
        const list = (plan[mark - 1] as (typeof plan)[number])[0]
        const action = list[chunks++ % list.length]
        if (action === 'echo') return void ctx.writeAndFlush(chunk)
        if (action === 'keep') kept.push({ mark, view: chunk })
        else if (action === 'slice') kept.push({ mark, view: chunk.readSlice(Math.ceil(chunk.readableBytes / 2)) })
        else if (action === 'buffer') kept.push({ mark, view: chunk.asBuffer() })
        else if (action === 'grow') kept.push({ mark, view: chunk.writeByte(mark) })
        else if (action === 'late') {
          if (late !== undefined) ctx.writeAndFlush(late)
          late = chunk
        } else chunk.release()
      },
    }
    return [handler]
  })
  const clients = await Promise.all(plan.map(() => plainClient(scope, server.port)))
  let total = 0
  clients.forEach((client, index) => client.on('data', (bytes: Buffer) => check(index + 1, bytes)))
  for (let step = 0; step < 8; step++) {
    clients.forEach((client, index) => {
      const sizes = (plan[index] as (typeof plan)[number])[1]
      const size = sizes[step % sizes.length] as number
      total += size
      client.write(Buffer.alloc(size, index + 1))
    })
    if (step % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await eventually(() => assert.equal([...received.values()].reduce((sum, bytes) => sum + bytes, 0), total))
  for (const { mark, view } of kept) check(mark, view)
}
