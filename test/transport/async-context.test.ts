import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import { Bootstrap, type ChannelHandler, ChannelOption, LibuvSocketChannel, NetSocketChannel, TcpSocketAddress } from '@knotty/transport'
import { currentCell } from '../support/cell.js'
import { leakScope } from '../support/leak-scope.js'
import { deferred, option, plainClient, plainServer, readBytes, serve } from '../support/tcp.js'

const NAMES = ['channelActive', 'channelRead', 'channelReadComplete', 'channelInactive', 'channelUnregistered', 'handlerRemoved'] as const

describe('the callbacks of a channel', () => {
  for (const [what, host] of [
    ['an address', '127.0.0.1'],
    ['a host name', 'localhost'],
  ] as const) {
    test(
      `never see the AsyncLocalStorage store of whoever connected to ${what}, wrote, shut down or closed`,
      leakScope(async (scope) => {
        const storage = new AsyncLocalStorage<string>()
        const seen: string[] = []
        const note = (name: string): void => void seen.push(`${name} ${storage.getStore() ?? '-'}`)
        const handler: ChannelHandler = {}
        for (const name of NAMES) (handler as Record<string, unknown>)[name] = (_ctx: unknown) => note(name)
        const group = scope.group()
        const peer = await plainServer(scope)
        const channel = await storage.run('store', async () => {
          const connecting = new Bootstrap()
            .group(group)
            .resolver(() => Promise.resolve(['127.0.0.1']))
            .handler((ch) => ch.pipeline.addLast(handler))
            .connect(peer.port, host)
          connecting.addListener(() => note('connected'))
          return connecting
        })
        const socket = await peer.accept()
        socket.write('x')
        await eventually(() => assert.ok(seen.some((line) => line.startsWith('channelReadComplete'))))
        storage.run('store', () => {
          channel.writeAndFlush(new Uint8Array(32 << 20)).addListener(() => note('asynchronous write'))
          channel.writeAndFlush(new Uint8Array(32 << 20)).addListener(() => note('write behind it'))
        })
        await readBytes(socket, 64 << 20)
        await eventually(() => assert.ok(seen.some((line) => line.startsWith('write behind it'))))
        const shutdown = deferred()
        storage.run('store', () => {
          channel.shutdownOutput().addListener(() => {
            note('shutdown')
            shutdown.resolve()
          })
        })
        await shutdown.promise
        storage.run('store', () => void channel.close())
        await eventually(() => assert.ok(seen.some((line) => line.startsWith('handlerRemoved'))))
        assert.deepEqual(seen.filter((line) => !line.endsWith(' -')), [])
        assert.equal(seen.filter((line) => line.startsWith('connected')).length, 1)
      }),
    )
  }

  test(
    'of a channel that was connected directly inside a store do not see it either',
    leakScope(async (scope) => {
      const storage = new AsyncLocalStorage<string>()
      const seen: (string | undefined)[] = []
      const peer = await plainServer(scope)
      const group = scope.group()
      const channel = currentCell().carrier === 'net' ? new NetSocketChannel() : new LibuvSocketChannel()
      scope.onEnd(() => channel.close())
      channel.pipeline.addLast({ channelRead: () => seen.push(storage.getStore()), channelActive: () => seen.push(storage.getStore()) })
      await storage.run('store', async () => {
        await group.register(channel)
        await channel.connect(new TcpSocketAddress('127.0.0.1', peer.port))
      })
      ;(await peer.accept()).write('x')
      await eventually(() => assert.deepEqual(seen, [undefined, undefined]))
    }),
  )

  test(
    'of an accepted channel do not see the store of whoever read, changed AUTO_READ, wrote or was answered inside it',
    leakScope(async (scope) => {
      const storage = new AsyncLocalStorage<string>()
      const seen: string[] = []
      const note = (name: string): void => void seen.push(`${name} ${storage.getStore() ?? '-'}`)
      const handler: ChannelHandler = {}
      for (const name of NAMES) (handler as Record<string, unknown>)[name] = () => note(name)
      const times = (name: string): number => seen.filter((line) => line.startsWith(`${name} `)).length
      const options = [option(ChannelOption.AUTO_READ, false), option(ChannelOption.LIVENESS_PROBE_MS, 20)]
      const server = await serve(scope, scope.group(), () => [handler], options)
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.equal(times('channelActive'), 1))
      storage.run('store', () => void child.read())
      client.write('x')
      await eventually(() => assert.equal(times('channelReadComplete'), 1))
      client.write('y')
      await eventually(() => assert.equal(child.bytesRead, 2)) // a probe has brought it up
      storage.run('store', () => void child.read())
      await eventually(() => assert.equal(times('channelReadComplete'), 2))
      child.config.setOption(ChannelOption.LIVENESS_PROBE_MS, 0)
      client.write(Buffer.alloc(400_000))
      for (let reads = 3; reads < 6; reads++) {
        storage.run('store', () => void child.read()) // node:net has read one chunk ahead
        await eventually(() => assert.equal(times('channelReadComplete'), reads))
      }
      storage.run('store', () => {
        child.config.autoRead = true
        child.writeAndFlush(Buffer.from('answer')).addListener(() => note('written'))
      })
      assert.equal((await readBytes(client, 6)).toString(), 'answer')
      await eventually(() => assert.equal(child.bytesRead, 400_002))
      client.end()
      await eventually(() => assert.equal(times('handlerRemoved'), 1))
      // A write that the kernel takes at once completes inside the flush, in the caller's own context.
      const others = seen.filter((line) => !line.endsWith(' -') && line !== 'written store')
      assert.deepEqual(others, [])
    }),
  )
})
