import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelFuture, type ChannelHandler, ChannelOption } from '@knotty/transport'
import * as fc from 'fast-check'
import { type LeakScope, leakScope } from '../../support/leak-scope.js'
import { connectTo, LOCAL_PLACE, option, serveAt } from '../../support/tcp.js'
import { recordLogs } from '../../unit/transport/channel/recorded-logs.js'

const STEPS = [
  'write', 'write', 'write', 'write large', 'flush', 'flush', 'read', 'on', 'off', 'turn', 'turn', 'turns', 'move', 'shutdown output',
  'shutdown input', 'close', 'abort', 'write in listener',
] as const

interface Step {
  readonly what: (typeof STEPS)[number]
  readonly atClient: boolean
}

interface Settings {
  readonly halfClosure: boolean
  readonly autoClose: boolean
  readonly rcvbuf: number
  readonly probeMs: number
}

/** One end: what it wrote, and the numbers of what it got. */
class End implements ChannelHandler {
  readonly sent: ByteBuf[] = []
  readonly got: number[] = []
  readonly futures: ChannelFuture[] = []

  channelRead(_ctx: unknown, msg: unknown): void {
    this.got.push((msg as ByteBuf).getInt(0))
    ;(msg as ByteBuf).release()
  }

  send(channel: Channel, size: number): ChannelFuture {
    const msg = Unpooled.buffer(size).writeInt(this.sent.length).writeZero(size - 4)
    this.sent.push(msg)
    const write = channel.write(msg)
    this.futures.push(write)
    return write
  }
}

describe('random operations at both ends of a local connection', () => {
  test('keep the order, release each message exactly once, and complete every promise', { timeout: 55_000 }, async (t) => {
    recordLogs(t)
    const errors: unknown[] = []
    const keep = (error: unknown): void => void errors.push(error)
    process.on('uncaughtException', keep)
    t.after(() => process.off('uncaughtException', keep))
    const step = fc.record({ what: fc.constantFrom(...STEPS), atClient: fc.boolean() })
    const steps = fc.array(step, { minLength: 5, maxLength: 60, size: 'max' })
    const settings = fc.record({
      halfClosure: fc.boolean(),
      autoClose: fc.boolean(),
      rcvbuf: fc.constantFrom(1, 500, 65536),
      probeMs: fc.constantFrom(0, 1, 10_000),
    })
    const run = fc.asyncProperty(steps, settings, (each, chosen) => leakScope((scope) => play(scope, each, chosen))())
    await fc.assert(run, { numRuns: 200, interruptAfterTimeLimit: 40_000 })
    assert.deepEqual(errors, [])
  })
})

async function play(scope: LeakScope, steps: readonly Step[], settings: Settings): Promise<void> {
  const groups = [scope.group(), scope.group()] as const
  const options = [
    option(ChannelOption.ALLOW_HALF_CLOSURE, settings.halfClosure),
    option(ChannelOption.AUTO_CLOSE, settings.autoClose),
    option(ChannelOption.SO_RCVBUF, settings.rcvbuf),
    option(ChannelOption.LIVENESS_PROBE_MS, settings.probeMs),
  ]
  const ends = [new End(), new End()] as const
  const server = await serveAt(scope, groups[0], LOCAL_PLACE, () => [ends[1]], options)
  const client = await connectTo(scope, groups[1], server.address, [ends[0]], options)
  const channels = [client, await server.child()] as const
  let moves = 0
  for (const { what, atClient } of steps) {
    const end = ends[atClient ? 0 : 1]
    const channel = channels[atClient ? 0 : 1]
    if (what === 'write') end.send(channel, 100)
    else if (what === 'write large') end.send(channel, 30_000)
    else if (what === 'write in listener') end.send(channel, 50).addListener(() => void end.send(channel, 60))
    else if (what === 'flush') channel.flush()
    else if (what === 'read') channel.read()
    else if (what === 'on') channel.config.autoRead = true
    else if (what === 'off') channel.config.autoRead = false
    else if (what === 'turn' || what === 'turns') await turns(what === 'turn' ? 1 : 8)
    else if (what === 'shutdown output') end.futures.push(channel.shutdownOutput())
    else if (what === 'shutdown input') end.futures.push(channel.shutdownInput())
    else if (what === 'close') end.futures.push(channel.close())
    else if (what === 'abort') end.futures.push(channel.abort())
    else if (channel.isRegistered && channel.isOpen) {
      await channel.deregister()
      if (channel.isOpen) end.futures.push((groups[++moves % 2] as (typeof groups)[0]).register(channel))
    }
  }
  await turns(3)
  for (const channel of channels) await channel.close()
  await eventually(() => {
    for (const [index, end] of ends.entries()) {
      assert.ok(end.futures.every((future) => future.isDone), 'a promise is never completed')
      assert.deepEqual(end.sent.map((msg) => msg.refCnt), end.sent.map(() => 0))
      const got = (ends[1 - index] as End).got
      assert.ok(got.every((number, at) => at === 0 || number > (got[at - 1] as number)), `order: ${String(got)}`)
    }
  })
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
