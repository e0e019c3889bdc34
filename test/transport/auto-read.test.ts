import assert from 'node:assert/strict'
import type net from 'node:net'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelHandler, type ChannelHandlerContext, ChannelOption } from '@knotty/transport'
import * as fc from 'fast-check'
import { currentCell, isUnix, notOver, readSize } from '../support/cell.js'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { option, plainClient, serve } from '../support/tcp.js'

/** Records what it gets and does what a test says, at each event. */
class Reader implements ChannelHandler {
  reads = 0
  completes = 0
  text = ''
  onRead: ((ctx: ChannelHandlerContext) => void) | undefined
  onComplete: ((ctx: ChannelHandlerContext) => void) | undefined

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.reads++
    this.text += (msg as ByteBuf).toString('latin1')
    ;(msg as ByteBuf).release()
    this.onRead?.(ctx)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    this.completes++
    this.onComplete?.(ctx)
  }
}

const SLAB = 1024
/** Bytes of one read, when there are enough. */
const CHUNK = readSize(SLAB)

/** There are always enough: the kernel holds many chunks. */
const EXACT = currentCell().carrier === 'libuv'

/** Too much for so many reads. */
function bytesFor(reads: number): string {
  return 'x'.repeat(reads * CHUNK + 904)
}

interface Connection {
  readonly reader: Reader
  readonly channel: Channel
  readonly client: net.Socket
}

async function open(scope: LeakScope, autoRead: boolean, readSlabBytes = SLAB): Promise<Connection> {
  const reader = new Reader()
  const server = await serve(scope, scope.group({ readSlabBytes }), () => [reader], [option(ChannelOption.AUTO_READ, autoRead)])
  const client = await plainClient(scope, server.port)
  const channel = await server.child()
  await eventually(() => assert.ok(channel.isActive && channel.isRegistered))
  return { reader, channel, client }
}

/** Long enough for libuv to poll several times: what could have been read has been. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The bytes are in the receive buffer of the channel's socket, or as many of them as the kernel takes. */
async function arrived(client: net.Socket): Promise<void> {
  await eventually(() => assert.ok(isUnix() || client.writableLength === 0))
  await turns()
}

describe('AUTO_READ', () => {
  test(
    'off: nothing is read until read(), and one read() gives one channelRead and one channelReadComplete',
    leakScope(async (scope) => {
      const { reader, channel, client } = await open(scope, false)
      client.write(bytesFor(4))
      await arrived(client)
      assert.equal(reader.reads, 0)
      for (let read = 1; read <= 4; read++) {
        channel.read()
        await eventually(() => assert.equal(reader.reads, read))
        await turns()
        assert.deepEqual([reader.reads, reader.completes], [read, read])
        if (EXACT) assert.equal(reader.text.length, read * CHUNK)
        else assert.ok(reader.text.length <= read * CHUNK)
      }
      channel.read()
      await eventually(() => assert.equal(reader.text.length, 4 * CHUNK + 904))
      assert.equal(channel.bytesRead, 4 * CHUNK + 904)
    }),
  )

  test(
    'off: read() before there is anything waits for it, and two read() are one',
    leakScope(async (scope) => {
      const { reader, channel, client } = await open(scope, false)
      channel.read()
      channel.read()
      await turns()
      client.write(bytesFor(2))
      await eventually(() => assert.equal(reader.reads, 1))
      await arrived(client)
      assert.equal(reader.reads, 1)
    }),
  )

  for (const event of ['onRead', 'onComplete'] as const) {
    test(
      `off: read() inside ${event === 'onRead' ? 'channelRead' : 'channelReadComplete'} arms exactly one more read`,
      leakScope(async (scope) => {
        const { reader, channel, client } = await open(scope, false)
        reader[event] = (ctx) => {
          if (reader.reads < 3) ctx.read()
        }
        client.write(bytesFor(8))
        await arrived(client)
        channel.read()
        await eventually(() => assert.equal(reader.reads, 3))
        await turns()
        assert.deepEqual([reader.reads, reader.completes], [3, 3])
      }),
    )
  }

  test(
    'turned off inside channelRead: no further channelRead until read()',
    leakScope(async (scope) => {
      const { reader, channel, client } = await open(scope, true)
      reader.onRead = (ctx) => {
        ctx.channel.config.autoRead = false
      }
      client.write(bytesFor(19))
      await eventually(() => assert.equal(reader.reads, 1))
      await arrived(client)
      assert.deepEqual([reader.reads, reader.completes, EXACT ? reader.text.length : CHUNK], [1, 1, CHUNK])
      channel.read()
      await eventually(() => assert.equal(reader.reads, 2))
      await turns()
      assert.equal(reader.reads, 2)
    }),
  )

  test(
    'turned off inside channelReadComplete: no further channelRead',
    leakScope(async (scope) => {
      const { reader, client } = await open(scope, true)
      reader.onComplete = (ctx) => {
        ctx.channel.config.autoRead = false
      }
      client.write(bytesFor(19))
      await eventually(() => assert.equal(reader.reads, 1))
      await arrived(client)
      assert.equal(reader.reads, 1)
    }),
  )

  test(
    'turned off in a microtask of channelRead: no further channelRead',
    leakScope(async (scope) => {
      const { reader, channel, client } = await open(scope, true)
      reader.onRead = () => {
        queueMicrotask(() => {
          channel.config.autoRead = false
        })
      }
      client.write(bytesFor(19))
      await eventually(() => assert.equal(reader.reads, 1))
      await arrived(client)
      assert.equal(reader.reads, 1)
    }),
  )

  test(
    'turned off and on again inside channelRead reads on and loses nothing',
    leakScope(async (scope) => {
      const { reader, client } = await open(scope, true)
      reader.onRead = (ctx) => {
        ctx.channel.config.autoRead = false
        ctx.channel.config.autoRead = true
      }
      client.write(bytesFor(19))
      await eventually(() => assert.equal(reader.text.length, 19 * CHUNK + 904))
    }),
  )

  test(
    'turned on again resumes',
    leakScope(async (scope) => {
      const { reader, channel, client } = await open(scope, true)
      channel.config.autoRead = false
      client.write(bytesFor(19))
      await arrived(client)
      assert.equal(reader.reads, 0)
      channel.config.autoRead = true
      await eventually(() => assert.equal(reader.text.length, 19 * CHUNK + 904))
    }),
  )

  test(
    'turned off takes an unanswered read() back',
    leakScope(async (scope) => {
      const { reader, channel, client } = await open(scope, true)
      channel.read()
      channel.config.autoRead = false
      client.write('late')
      await arrived(client)
      assert.equal(reader.reads, 0)
    }),
  )

  test(
    'a read that fills the slab exactly is one channelRead, and the next bytes still come',
    notOver(['net', 'unix-net'], 'it reads into no slab'),
    leakScope(async (scope) => {
      const { reader, client } = await open(scope, true)
      client.write('x'.repeat(1024))
      await eventually(() => assert.equal(reader.text.length, 1024))
      await turns()
      assert.deepEqual([reader.reads, reader.completes], [1, 1])
      client.write('y'.repeat(1024))
      await eventually(() => assert.equal(reader.text.length, 2048))
      assert.equal(reader.reads, 2)
    }),
  )

  test('loses and repeats no byte under random toggling', { timeout: 50_000 }, async () => {
    const step = fc.constantFrom('off', 'on', 'off-on', 'read', 'nothing', 'nothing')
    const plan = fc.record({
      inRead: fc.array(step, { minLength: 1, maxLength: 10 }),
      inComplete: fc.array(step, { minLength: 1, maxLength: 10 }),
      outside: fc.array(step, { minLength: 1, maxLength: 10 }),
      sizes: fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 8 }),
    })
    const run = fc.asyncProperty(plan, ({ inRead, inComplete, outside, sizes }) =>
      leakScope(async (scope) => {
        const { reader, channel, client } = await open(scope, true)
        const perform = (what: string | undefined): void => {
          if (what === 'read') channel.read()
          if (what === 'off' || what === 'off-on') channel.config.autoRead = false
          if (what === 'on' || what === 'off-on') channel.config.autoRead = true
        }
        let readsWhileOff = 0
        reader.onRead = () => perform(inRead[reader.reads % inRead.length])
        reader.onComplete = () => perform(inComplete[reader.completes % inComplete.length])
        let sent = ''
        for (const [index, size] of sizes.entries()) {
          const bytes = String.fromCharCode(97 + index).repeat(size)
          sent += bytes
          client.write(bytes)
          await turns(3)
          perform(outside[index % outside.length])
          if (channel.config.autoRead) continue
          const before = reader.reads
          reader.onRead = undefined
          reader.onComplete = undefined
          channel.config.autoRead = false // takes a read() that is still unanswered back
          await turns(2)
          readsWhileOff += reader.reads - before
          reader.onRead = () => perform(inRead[reader.reads % inRead.length])
          reader.onComplete = () => perform(inComplete[reader.completes % inComplete.length])
        }
        reader.onRead = undefined
        reader.onComplete = undefined
        channel.config.autoRead = false
        channel.config.autoRead = true
        await eventually(() => assert.equal(reader.text.length, sent.length))
        assert.equal(reader.text, sent)
        // A read() that was asked for with AUTO_READ off may be answered once each; nothing else may.
        assert.ok(readsWhileOff <= sizes.length, `${readsWhileOff} reads while AUTO_READ was off`)
        assert.equal(reader.reads, reader.completes)
      })(),
    )
    await fc.assert(run, { numRuns: 40, interruptAfterTimeLimit: 40_000 })
  })
})
