import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import {
  type Channel,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelOption,
  type ChannelPromise,
  ClosedChannelError,
} from '@knotty/transport'
import { isUnix, notOver } from '../support/cell.js'
import { leakScope } from '../support/leak-scope.js'
import { connect, option, plainClient, plainServer, readAll, readBytes, serve, untilClosed } from '../support/tcp.js'
import { messagesOf, recordLogs } from '../unit/transport/channel/recorded-logs.js'

const UNIX = ['unix-libuv', 'unix-net'] as const

/** Writes each event it sees to a log that several handlers share. */
class Tracer implements ChannelHandler {
  readonly name: string
  readonly log: string[]

  constructor(name: string, log: string[]) {
    this.name = name
    this.log = log
  }

  channelActive(ctx: ChannelHandlerContext): void {
    this.log.push(`${this.name} active`)
    ctx.fireChannelActive()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.log.push(`${this.name} inactive`)
    ctx.fireChannelInactive()
  }

  channelUnregistered(ctx: ChannelHandlerContext): void {
    this.log.push(`${this.name} unregistered`)
    ctx.fireChannelUnregistered()
  }

  handlerRemoved(): void {
    this.log.push(`${this.name} removed`)
  }

  close(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    this.log.push(`${this.name} close`)
    ctx.close(promise)
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    this.log.push(`${this.name} writable ${ctx.channel.isWritable}`)
    ctx.fireChannelWritabilityChanged()
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    this.log.push(`${this.name} exception ${(cause as { code?: string }).code ?? cause.name}`)
    ctx.fireExceptionCaught(cause)
  }
}

describe('close()', () => {
  test(
    'tells of its steps in the order of Netty',
    leakScope(async (scope) => {
      const log: string[] = []
      const peer = await plainServer(scope)
      const group = scope.group()
      const channel = await connect(scope, group, peer.port, [new Tracer('a', log), new Tracer('b', log)])
      await peer.accept()
      channel.closeFuture.addListener(() => log.push('closeFuture'))
      const told = (name: string): ChannelPromise => {
        const promise = channel.newPromise()
        promise.addListener(() => log.push(`${name} ${promise.isSuccess ? 'done' : promise.cause?.name}`))
        return promise
      }
      // More than the kernel takes: the first is under way, the second flushed, the others are not.
      channel.writeAndFlush(new Uint8Array(32 << 20), told('write 1'))
      channel.writeAndFlush(new Uint8Array(10), told('write 2'))
      channel.write(new Uint8Array(10), told('write 3'))
      channel.write(new Uint8Array(10), told('write 4'))
      log.length = 0
      channel.close(told('close'))
      log.push('close() returned')
      channel.write(new Uint8Array(10), told('late write'))
      channel.eventLoop.execute(() => log.push('task'))
      await eventually(() => assert.ok(log.includes('a removed')))
      assert.deepEqual(log, [
        'b close',
        'a close',
        'closeFuture',
        'close done',
        'write 1 ClosedChannelError',
        'write 2 ClosedChannelError',
        'write 3 ClosedChannelError',
        'write 4 ClosedChannelError',
        'close() returned',
        'late write ClosedChannelError',
        'a inactive',
        'b inactive',
        'a unregistered',
        'b unregistered',
        'b removed',
        'a removed',
        'task',
      ])
    }),
  )

  test(
    'frees the descriptor of a connection with unread inbound data',
    leakScope(async (scope) => {
      const server = await serve(scope, scope.group(), () => [], [option(ChannelOption.AUTO_READ, false)])
      const client = await plainClient(scope, server.port)
      const closed = untilClosed(client)
      client.write('never read')
      const child = await server.child()
      await eventually(() => assert.equal(client.writableLength, 0))
      await child.close()
      assert.ok(child.closeFuture.isSuccess)
      await closed
    }),
  )

  test(
    'delivers what completed writes gave to the kernel, to a peer that reads late',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      await channel.writeAndFlush(new Uint8Array(100_000).fill(7))
      await channel.close()
      assert.deepEqual(await readAll(socket), Buffer.alloc(100_000, 7))
    }),
  )

  test(
    'a second time, during and after, completes as well and fires nothing again',
    leakScope(async (scope) => {
      const log: string[] = []
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port, [new Tracer('a', log)])
      let during: ChannelPromise | undefined
      channel.closeFuture.addListener(() => {
        during = channel.newPromise()
        channel.close(during)
      })
      await channel.close()
      assert.ok(during?.isSuccess)
      await eventually(() => assert.ok(log.includes('a removed')))
      assert.ok(channel.close().isSuccess)
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(
        log.filter((line) => line !== 'a close'),
        ['a active', 'a inactive', 'a unregistered', 'a removed'],
      )
      assert.equal(channel.isOpen, false)
      if (isUnix()) return
      assert.equal((channel.remoteAddress as { port: number }).port, peer.port)
      assert.ok((channel.localAddress as { port: number }).port > 0)
    }),
  )

  test(
    'fails a connect that is under way',
    leakScope(async (scope) => {
      const group = scope.group()
      const { Bootstrap } = await import('@knotty/transport')
      // The resolver never answers: the connect stays under way.
      const waiting = new Promise<never>(() => undefined)
      let channel: Channel | undefined
      const connecting = new Bootstrap()
        .group(group)
        .resolver(() => waiting)
        .handler((ch) => {
          channel = ch
        })
        .connect(1, 'nowhere.invalid')
      await eventually(() => assert.ok(channel?.isRegistered))
      await new Promise((resolve) => setImmediate(resolve))
      channel?.close()
      await assert.rejects(Promise.resolve(connecting), ClosedChannelError)
    }),
  )

  const callbacks = [
    'handlerAdded',
    'channelRegistered',
    'channelActive',
    'channelRead',
    'channelReadComplete',
    'channelWritabilityChanged',
    'userEventTriggered',
    'exceptionCaught',
    'channelInactive',
    'channelUnregistered',
    'handlerRemoved',
  ] as const
  for (const name of callbacks) {
    test(`inside ${name} ends the connection once, and other connections go on`, async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const inactive = new Map<Channel, number>()
        let closing = true
        const server = await serve(scope, scope.group(), () => {
          const closes = closing
          const handler: ChannelHandler = {
            channelRead: (ctx, msg) => {
              if (!closes) return void ctx.writeAndFlush(msg)
              ;(msg as ByteBuf).release()
              if (name === 'channelWritabilityChanged') ctx.write(new Uint8Array(100_000), null)
              if (name === 'userEventTriggered') ctx.pipeline.fireUserEventTriggered('now')
              if (name === 'exceptionCaught') ctx.pipeline.fireExceptionCaught(new Error('now'))
              if (name === 'channelInactive' || name === 'channelUnregistered' || name === 'handlerRemoved') ctx.close()
            },
            channelInactive: (ctx) => {
              inactive.set(ctx.channel, (inactive.get(ctx.channel) ?? 0) + 1)
              ctx.fireChannelInactive()
            },
          }
          const before = handler[name] as ((ctx: ChannelHandlerContext, arg: never) => unknown) | undefined
          if (!closes) return [handler]
          ;(handler as Record<string, unknown>)[name] = (ctx: ChannelHandlerContext, arg: never) => {
            before?.(ctx, arg)
            ctx.close()
          }
          return [handler]
        })
        const client = await plainClient(scope, server.port)
        const closed = untilClosed(client)
        client.write('go')
        client.resume()
        await closed
        const [child] = server.children as [Channel]
        await eventually(() => assert.equal(child.isRegistered, false))
        assert.equal(child.isOpen, false)
        assert.ok((inactive.get(child) ?? 0) <= 1)
        closing = false
        const other = await plainClient(scope, server.port)
        other.write('still here')
        assert.equal((await readBytes(other, 10)).toString(), 'still here')
      })()
    })
  }

  for (const kind of ['synchronous', 'asynchronous'] as const) {
    test(
      `inside the listener of a ${kind} write fails what waits behind it`,
      leakScope(async (scope) => {
        const peer = await plainServer(scope)
        const channel = await connect(scope, scope.group(), peer.port)
        const socket = await peer.accept()
        const size = kind === 'synchronous' ? 100 : 16 << 20
        const first = channel.write(new Uint8Array(size))
        const second = channel.write(new Uint8Array(size))
        const third = channel.write(new Uint8Array(10))
        first.addListener(() => channel.close())
        channel.flush()
        if (kind === 'asynchronous') socket.resume()
        await channel.closeFuture
        assert.ok(first.isSuccess)
        assert.ok(second.cause instanceof ClosedChannelError)
        assert.ok(third.cause instanceof ClosedChannelError)
        await eventually(() => assert.equal(channel.isRegistered, false))
      }),
    )
  }
})

describe('abort()', () => {
  test(
    'resets the connection',
    notOver(UNIX, 'it has no reset'),
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      socket.resume()
      const failed = once(socket, 'error')
      const write = channel.write(new Uint8Array(10))
      await channel.abort()
      assert.ok(write.cause instanceof ClosedChannelError)
      assert.equal(((await failed)[0] as { code: string }).code, 'ECONNRESET')
    }),
  )

  test(
    'frees the descriptor also while FIN waits behind queued writes',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      await peer.accept()
      channel.writeAndFlush(new Uint8Array(32 << 20))
      const shutdown = channel.shutdownOutput()
      await channel.abort()
      await eventually(() => assert.ok(shutdown.isDone))
      assert.equal(shutdown.isSuccess, false)
    }),
  )

  test(
    'after a completed shutdownOutput() still closes',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      await peer.accept()
      await channel.shutdownOutput()
      await channel.abort()
      await eventually(() => assert.equal(channel.isRegistered, false))
    }),
  )

  test(
    'is what close() does with SO_LINGER 0',
    notOver(UNIX, 'it has no reset'),
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port, [], [option(ChannelOption.SO_LINGER, 0)])
      const socket = await peer.accept()
      socket.resume()
      const failed = once(socket, 'error')
      await channel.close()
      assert.equal(((await failed)[0] as { code: string }).code, 'ECONNRESET')
    }),
  )
})

describe('a reset by the peer', () => {
  test('is one exceptionCaught, then inactive; it is counted and nobody is warned', notOver(UNIX, 'it has no reset'), async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const log: string[] = []
      const group = scope.group()
      const server = await serve(scope, group, () => [new Tracer('a', log)])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.deepEqual(log, ['a active']))
      client.resetAndDestroy()
      await eventually(() => assert.ok(log.includes('a removed')))
      assert.deepEqual(log, ['a active', 'a exception ECONNRESET', 'a close', 'a inactive', 'a unregistered', 'a removed'])
      assert.equal(group.counters.peerErrors, 1)
      const late = child.write(new Uint8Array(1))
      assert.equal((late.cause?.cause as { code?: string } | undefined)?.code, 'ECONNRESET')
    })()
    assert.deepEqual([...messagesOf(logs, 'warn'), ...messagesOf(logs, 'error')], [])
    assert.equal(messagesOf(logs, 'debug').filter((line) => /peer is gone/.test(line)).length, 1)
  })

  test('is counted also when a handler keeps the exception, and closes the channel all the same', notOver(UNIX, 'it has no reset'), async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const server = await serve(scope, group, () => [{ exceptionCaught: () => undefined }])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      client.resetAndDestroy()
      await child.closeFuture
      assert.equal(group.counters.peerErrors, 1)
    })()
  })

  test('that a write finds fails the flushed writes with the error and closes the channel', notOver(UNIX, 'it has no reset'), async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const server = await serve(scope, group, () => [], [option(ChannelOption.AUTO_READ, false)])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.ok(child.isActive))
      client.resetAndDestroy()
      await untilClosed(client)
      const flushed = child.write(new Uint8Array(10))
      const unflushed = child.newPromise()
      flushed.addListener(() => undefined)
      child.flush()
      child.write(new Uint8Array(10), unflushed)
      await child.closeFuture
      assert.equal((flushed.cause as { code?: string }).code, 'ECONNRESET')
      assert.ok(unflushed.cause instanceof ClosedChannelError)
      assert.equal(group.counters.peerErrors, 1)
    })()
    assert.deepEqual([...messagesOf(logs, 'warn'), ...messagesOf(logs, 'error')], [])
  })
})
