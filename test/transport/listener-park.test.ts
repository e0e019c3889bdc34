import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import { ChannelOption } from '@knotty/transport'
import { libuvBinding } from '../../../packages/transport/dist/socket/libuv/binding.js'
import { leakScope } from '../support/leak-scope.js'
import { runScript } from '../support/run-script.js'
import { option } from '../support/tcp.js'
import { ServerOf } from '../support/transport-server.js'
import { LIBUV_TCP, NODE_PARKS } from '../support/transports.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

const OFF = option(ChannelOption.AUTO_READ, false)

describe('a listener that is parked', { skip: !NODE_PARKS }, () => {
  test('does not lose its context: later accepts run in no store of AsyncLocalStorage', async () => {
    await leakScope(async (scope) => {
      const storage = new AsyncLocalStorage<string>()
      const seen: unknown[] = []
      const server = await ServerOf.bind(scope, scope.group(), LIBUV_TCP, {
        options: [OFF],
        initializer: () => void seen.push(storage.getStore()),
      })
      storage.run('a request', () => (server.channel.config.autoRead = true))
      await server.connectAll(2)
      assert.deepEqual(seen, [undefined, undefined])
    })()
  })

  test('that cannot listen again closes its server with the error: it is not lost in silence', async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const server = await ServerOf.bind(scope, scope.group(), LIBUV_TCP, { options: [OFF] })
      const errors: Error[] = []
      server.channel.events.on('exception', (error) => errors.push(error))
      const prototype = libuvBinding().TCP.prototype as { listen(backlog: number): number }
      const { listen } = prototype
      prototype.listen = () => -98
      try {
        server.channel.config.autoRead = true
      } finally {
        prototype.listen = listen
      }
      await server.channel.closeFuture
      await eventually(() => assert.deepEqual(errors.map((error) => (error as NodeJS.ErrnoException).code), ['EADDRINUSE']))
    })()
    assert.ok(logs.some(({ level }) => level === 'warn'))
  })

  test('does not keep the process alive once its server is closed, and does before', async () => {
    const result = await runScript(`
      import { ChannelOption, EventLoopGroup, ServerBootstrap } from '@knotty/transport'
      const group = new EventLoopGroup()
      const server = await new ServerBootstrap().group(group).option(ChannelOption.AUTO_READ, false)
        .childHandler(() => {}).bind(0, '127.0.0.1')
      process.stdin.once('data', () => { console.log('alive'); server.close() })
      process.stdin.unref()
      console.log('ready')
    `, [], {}, 'go')
    assert.deepEqual([result.code, result.signal, result.stdout], [0, null, 'ready\nalive\n'], result.stderr)
  })

  test('at a time when no descriptor is free goes on and refuses: it is parked later', async () => {
    const result = await runScript(`
      import { closeSync, openSync, readFileSync } from 'node:fs'
      import { once } from 'node:events'
      import net from 'node:net'
      import { ChannelOption, EventLoopGroup, ServerBootstrap } from '@knotty/transport'
      const group = new EventLoopGroup()
      const server = await new ServerBootstrap().group(group).option(ChannelOption.DESCRIPTOR_HEADROOM, 0)
        .childHandler((ch) => ch.pipeline.addLast({ channelRead: (ctx, msg) => ctx.writeAndFlush(msg) })).bind(0, '127.0.0.1')
      const { port } = server.localAddress
      const reasons = []
      server.events.on('refused', ({ reason }) => reasons.push(reason))
      const files = []
      try { for (;;) files.push(openSync('/dev/null', 'r')) } catch {}
      server.config.autoRead = false
      files.forEach(closeSync)
      const refused = net.connect(port, '127.0.0.1').on('error', () => {}).resume() // one refusal, and then it is parked
      await once(refused, 'close')
      const served = net.connect(port, '127.0.0.1')
      await once(served, 'connect')
      served.write('x')
      server.config.autoRead = true
      console.log(String(await once(served, 'data')), reasons.length)
      served.destroy()
      await group.shutdownGracefully({ quietPeriodMs: 0 })
      const local = ':' + port.toString(16).toUpperCase().padStart(4, '0') + ' 00000000:0000 0A '
      console.log(readFileSync('/proc/net/tcp', 'utf8').includes(local) ? 'still listening' : 'closed')
    `)
    assert.deepEqual([result.code, result.stdout], [0, 'x 1\nclosed\n'], result.stderr)
  })
})
