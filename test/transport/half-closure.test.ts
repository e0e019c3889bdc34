import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelInputShutdownEvent,
  ChannelInputShutdownReadComplete,
  ChannelOption,
  ChannelOutputShutdownError,
  ChannelOutputShutdownEvent,
  ClosedChannelError,
} from '@knotty/transport'
import { isUnix, notOver, readSize } from '../support/cell.js'
import { leakScope } from '../support/leak-scope.js'
import { connect, option, plainClient, plainServer, readAll, readBytes, serve, untilClosed } from '../support/tcp.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

class Recorder implements ChannelHandler {
  readonly log: string[] = []

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.log.push((msg as ByteBuf).toString('latin1'))
    ;(msg as ByteBuf).release()
  }

  userEventTriggered(_ctx: ChannelHandlerContext, event: unknown): void {
    if (event === ChannelInputShutdownEvent.INSTANCE) this.log.push('input shutdown')
    else if (event === ChannelInputShutdownReadComplete.INSTANCE) this.log.push('input shutdown read complete')
    else if (event === ChannelOutputShutdownEvent.INSTANCE) this.log.push('output shutdown')
    else this.log.push('another event')
  }

  channelInactive(): void {
    this.log.push('inactive')
  }
}

const HALF = option(ChannelOption.ALLOW_HALF_CLOSURE, true)
const MANUAL = option(ChannelOption.AUTO_READ, false)

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('the FIN of the peer', () => {
  test(
    'closes the channel behind its last bytes',
    leakScope(async (scope) => {
      const recorder = new Recorder()
      const server = await serve(scope, scope.group(), () => [recorder])
      const client = await plainClient(scope, server.port)
      client.end('last')
      const child = await server.child()
      await child.closeFuture
      await eventually(() => assert.deepEqual(recorder.log, ['last', 'inactive']))
    }),
  )

  test(
    'with ALLOW_HALF_CLOSURE is told once, then once more at the read that finds nothing, and writing still works',
    leakScope(async (scope) => {
      const recorder = new Recorder()
      const server = await serve(scope, scope.group(), () => [recorder], [HALF])
      const client = await plainClient(scope, server.port, { allowHalfOpen: true })
      client.end('last')
      const child = await server.child()
      const expected = ['last', 'input shutdown', 'input shutdown read complete']
      await eventually(() => assert.deepEqual(recorder.log, expected))
      child.read()
      child.config.autoRead = false
      child.config.autoRead = true
      await turns()
      assert.deepEqual(recorder.log, expected)
      assert.deepEqual([child.isOpen, child.isActive], [true, true])
      await child.writeAndFlush(Buffer.from('answer'))
      assert.equal((await readBytes(client, 6)).toString(), 'answer')
      await child.close()
      await eventually(() => assert.deepEqual(recorder.log, [...expected, 'inactive']))
    }),
  )

  test(
    'with ALLOW_HALF_CLOSURE and AUTO_READ off is found by read(), and the end of reading by the read() after it',
    leakScope(async (scope) => {
      const recorder = new Recorder()
      const server = await serve(scope, scope.group(), () => [recorder], [HALF, MANUAL])
      const client = await plainClient(scope, server.port, { allowHalfOpen: true })
      client.end()
      const child = await server.child()
      await turns()
      assert.deepEqual(recorder.log, [])
      child.read()
      await eventually(() => assert.deepEqual(recorder.log, ['input shutdown']))
      await turns()
      assert.deepEqual(recorder.log, ['input shutdown'])
      child.read()
      child.read()
      await eventually(() => assert.equal(recorder.log.length, 2))
      child.read()
      await turns()
      assert.deepEqual(recorder.log, ['input shutdown', 'input shutdown read complete'])
    }),
  )
})

describe('shutdownOutput()', () => {
  test(
    'sends FIN behind all completed bytes; input keeps working',
    leakScope(async (scope) => {
      const recorder = new Recorder()
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port, [recorder])
      const socket = await peer.accept()
      await channel.writeAndFlush(Buffer.alloc(100_000, 'd'))
      await channel.shutdownOutput()
      assert.equal((await readAll(socket)).length, 100_000)
      assert.deepEqual(recorder.log, ['output shutdown'])
      socket.write('still heard')
      await eventually(() => assert.deepEqual(recorder.log, ['output shutdown', 'still heard']))
      assert.ok(channel.isActive)
      socket.end()
      await channel.closeFuture
    }),
  )

  test(
    'fails what waits with ChannelOutputShutdownError, and later writes with ClosedChannelError caused by it',
    leakScope(async (scope) => {
      const recorder = new Recorder()
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port, [recorder])
      const socket = await peer.accept()
      const underWay = channel.writeAndFlush(new Uint8Array(32 << 20))
      const flushed = channel.writeAndFlush(Buffer.from('flushed'))
      const unflushed = channel.write(Buffer.from('unflushed'))
      const shutdown = channel.shutdownOutput()
      for (const write of [underWay, flushed, unflushed]) assert.ok(write.cause instanceof ChannelOutputShutdownError)
      const late = channel.writeAndFlush(Buffer.from('late'))
      assert.ok(late.cause instanceof ClosedChannelError)
      assert.ok(late.cause.cause instanceof ChannelOutputShutdownError)
      assert.deepEqual([channel.isWritable, channel.isActive], [false, true])
      // The request under way goes out whole, then FIN.
      const got = await readAll(socket)
      assert.ok(got.length > 0 && got.every((byte) => byte === 0))
      await shutdown
      assert.deepEqual(recorder.log, ['output shutdown'])
    }),
  )

  test(
    'a second time fails and sends nothing',
    leakScope(async (scope) => {
      const recorder = new Recorder()
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port, [recorder])
      await channel.shutdownOutput()
      await assert.rejects(Promise.resolve(channel.shutdownOutput()), ClosedChannelError)
      assert.deepEqual(recorder.log, ['output shutdown'])
    }),
  )

  test(
    'after the peer has sent FIN leaves the channel open until close()',
    leakScope(async (scope) => {
      const server = await serve(scope, scope.group(), () => [], [HALF])
      const client = await plainClient(scope, server.port, { allowHalfOpen: true })
      client.end()
      const ended = once(client, 'end')
      client.resume()
      const child = await server.child()
      await eventually(() => assert.ok(child.isActive))
      await child.shutdownOutput()
      await ended
      assert.ok(child.isOpen)
      await child.close()
    }),
  )

  const noAutoClose = isUnix()
    ? notOver(['unix-libuv', 'unix-net'], 'it has no reset')
    : notOver(['net'], 'node:net destroys a socket whose write failed (net-socket.test.ts)')
  test('is what a write error does with AUTO_CLOSE off; the channel stays open for reading', noAutoClose, async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const recorder = new Recorder()
      const group = scope.group()
      const server = await serve(scope, group, () => [recorder], [option(ChannelOption.AUTO_CLOSE, false), MANUAL])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.ok(child.isActive))
      client.resetAndDestroy()
      await untilClosed(client)
      const write = child.writeAndFlush(Buffer.from('x'))
      assert.ok(write.cause instanceof ChannelOutputShutdownError)
      assert.equal((write.cause.cause as { code?: string }).code, 'ECONNRESET')
      assert.deepEqual(recorder.log, ['output shutdown'])
      assert.ok(child.isOpen)
      assert.equal(group.counters.peerErrors, 1)
      child.read()
      await child.closeFuture
      assert.equal(group.counters.peerErrors, 1)
    })()
  })
})

describe('shutdownInput()', () => {
  for (const [what, options] of [
    ['on', []],
    ['off', [MANUAL]],
  ] as const) {
    test(
      `discards what comes, tells it once, and still finds the end (AUTO_READ ${what})`,
      leakScope(async (scope) => {
        const recorder = new Recorder()
        const server = await serve(scope, scope.group(), () => [recorder], options)
        const client = await plainClient(scope, server.port)
        const child = await server.child()
        await eventually(() => assert.ok(child.isActive))
        await child.shutdownInput()
        await child.shutdownInput()
        await new Promise<void>((resolve) => client.write(Buffer.alloc(12 << 20), () => resolve()))
        await child.writeAndFlush(Buffer.from('answer'))
        assert.equal((await readBytes(client, 6)).toString(), 'answer')
        client.end()
        await child.closeFuture
        await eventually(() => assert.deepEqual(recorder.log, ['input shutdown', 'inactive']))
        assert.equal(child.bytesRead, 12 << 20)
      }),
    )
  }

  test(
    'inside channelRead lets no further chunk through',
    leakScope(async (scope) => {
      const recorder = new Recorder()
      const server = await serve(scope, scope.group({ readSlabBytes: 1024 }), () => [
        {
          channelRead: (ctx, msg) => {
            void ctx.channel.shutdownInput()
            ctx.fireChannelRead(msg)
          },
        },
        recorder,
      ])
      const client = await plainClient(scope, server.port)
      client.end('x'.repeat(10 * readSize(1024)))
      await (await server.child()).closeFuture
      await eventually(() => assert.equal(recorder.log.at(-1), 'inactive'))
      assert.deepEqual(recorder.log, ['input shutdown', 'x'.repeat(readSize(1024)), 'inactive'])
    }),
  )
})

describe('both ends of a half-closed connection', () => {
  for (const first of ['ours', 'the peer\u2019s'] as const) {
    test(
      `over, ${first} first: the channel closes by itself`,
      leakScope(async (scope) => {
        const recorder = new Recorder()
        const server = await serve(scope, scope.group(), () => [recorder], [HALF])
        const client = await plainClient(scope, server.port, { allowHalfOpen: true })
        const child = await server.child()
        if (first === 'ours') {
          await child.shutdownOutput()
          client.end()
        } else {
          client.end()
          await eventually(() => assert.ok(recorder.log.includes('input shutdown')))
          assert.equal(child.isOpen, true)
          child.shutdownOutput()
        }
        await child.closeFuture
        await eventually(() => assert.equal(recorder.log.at(-1), 'inactive'))
      }),
    )
  }
})
