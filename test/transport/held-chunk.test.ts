import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type ByteBuf, ResourceLeakDetector } from '@knotty/buffer'
import { diagnostics } from '@knotty/common'
import type { ChannelHandler, ChannelHandlerContext } from '@knotty/transport'
import { notOver } from '../support/cell.js'
import { leakScope } from '../support/leak-scope.js'
import { connect, deferred, plainClient, plainServer, serve } from '../support/tcp.js'
import { messagesOf, recordLogs } from '../unit/transport/channel/recorded-logs.js'

const before = ResourceLeakDetector.level

interface LeakEvent {
  readonly resource: string
  readonly site: string
}

/** Sends `text` to a server with these handlers, and waits until it says that it has all. */
function send(text: string, handlers: (done: () => void) => readonly ChannelHandler[]): Promise<void> {
  return leakScope(async (scope) => {
    const all = deferred()
    const server = await serve(scope, scope.group(), () => handlers(() => setImmediate(all.resolve)))
    const client = await plainClient(scope, server.port)
    client.write(text)
    await all.promise
  })()
}

class Passing implements ChannelHandler {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.fireChannelRead(msg)
  }
}

class Cutting implements ChannelHandler {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    const chunk = msg as ByteBuf
    ctx.fireChannelRead(chunk.readRetainedSlice(2))
    chunk.release()
  }
}

describe('a chunk that a handler holds beyond its read', notOver(['net', 'unix-net'], 'Node reads into memory of its own'), () => {
  beforeEach(() => ResourceLeakDetector.setLevel('advanced'))
  afterEach(() => ResourceLeakDetector.setLevel(before))

  test('is told of once with the handler that got it, or a part of it, last', async (t) => {
    const logs = recordLogs(t)
    const events: LeakEvent[] = []
    const listener = (event: unknown): void => void events.push(event as LeakEvent)
    diagnostics.leakDetected.subscribe(listener)
    t.after(() => diagnostics.leakDetected.unsubscribe(listener))
    const kept: ByteBuf[] = []
    class Keeping implements ChannelHandler {
      readonly done: () => void

      constructor(done: () => void) {
        this.done = done
      }

      channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
        kept.push(msg as ByteBuf)
        this.done()
      }
    }
    for (let i = 0; i < 2; i++) await send('hello', (done) => [new Passing(), new Cutting(), new Keeping(done)])
    assert.deepEqual(kept.map((each) => each.toString('latin1')), ['he', 'he'])
    const lines = messagesOf(logs, 'warn')
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /: a chunk was still held when its read was over, last seen by "Keeping#0" \(handler of class Keeping\)/)
    assert.deepEqual(events.map(({ resource, site }) => [resource, site]), [['read slab chunk', 'handler of class Keeping']])
  })

  test('is not told of when it was released, or taken out with asBuffer', async (t) => {
    const logs = recordLogs(t)
    await send('hello', (done) => [
      new Passing(),
      {
        channelRead: (_ctx, msg) => {
          ;(msg as ByteBuf).asBuffer()
          ;(msg as ByteBuf).release()
          done()
        },
      },
    ])
    assert.deepEqual(messagesOf(logs, 'warn'), [])
  })

  test('is not told of when it waits in the outbound buffer of the channel, also in part', async (t) => {
    const logs = recordLogs(t)
    class Answering implements ChannelHandler {
      readonly done: () => void

      constructor(done: () => void) {
        this.done = done
      }

      channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
        ctx.write((msg as ByteBuf).readRetainedSlice(3))
        ;(msg as ByteBuf).release()
        this.done()
      }
    }
    await send('hello', (done) => [new Answering(done)])
    assert.deepEqual(messagesOf(logs, 'warn'), [])
  })

  for (const composite of [false, true]) {
    test(`is not told of when it waits in the outbound buffer of another channel${composite ? ', as a component' : ''}`, async (t) => {
      const logs = recordLogs(t)
      await leakScope(async (scope) => {
        const sink = await plainServer(scope)
        const out = await connect(scope, scope.group(), sink.port)
        class Proxying implements ChannelHandler {
          readonly done: () => void

          constructor(done: () => void) {
            this.done = done
          }

          channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
            const chunk = msg as ByteBuf
            out.write(composite ? ctx.alloc.compositeBuffer().addComponents(true, ctx.alloc.buffer(1).writeByte(1), chunk) : chunk, null)
            this.done()
          }
        }
        await send('hello', (done) => [new Proxying(done)])
        out.flush()
      })()
      assert.deepEqual(messagesOf(logs, 'warn'), [])
    })
  }

  test('is told of when it was written and sent, and is held besides', async (t) => {
    const logs = recordLogs(t)
    class WritingAndKeeping implements ChannelHandler {
      readonly done: () => void

      constructor(done: () => void) {
        this.done = done
      }

      channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
        ctx.writeAndFlush((msg as ByteBuf).retainedDuplicate(), null)
        this.done()
      }
    }
    await send('hello', (done) => [new WritingAndKeeping(done)])
    assert.match(messagesOf(logs, 'warn').join(), /handler of class WritingAndKeeping/)
  })

  test('is not told of below level advanced', async (t) => {
    const logs = recordLogs(t)
    ResourceLeakDetector.setLevel('simple')
    class KeepingQuietly implements ChannelHandler {
      readonly done: () => void

      constructor(done: () => void) {
        this.done = done
      }

      channelRead(): void {
        this.done()
      }
    }
    await send('hello', (done) => [new KeepingQuietly(done)])
    assert.deepEqual(messagesOf(logs, 'warn'), [])
  })
})
