import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { Bootstrap, type ChannelHandler, LibuvSocketChannel, TcpSocketAddress } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { eventually } from '../support/proc-sockets.js'
import { deferred, plainServer, readBytes } from '../support/tcp.js'

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
      const channel = new LibuvSocketChannel()
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
})
