import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalArgumentError, IllegalStateError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import {
  ChannelOption,
  type ChannelPromise,
  ClosedChannelError,
  LibuvServerChannel,
  NetServerChannel,
  ServerBootstrap,
  type ServerChannel,
  type SocketAddress,
  TcpSocketAddress,
  UnsupportedOptionError,
} from '@knotty/transport'
import { leakScope } from '../../../support/leak-scope.js'
import { connectPlain, idleServer, noHandler, portOf, withoutSocket } from './support.js'

describe('bind', () => {
  test('without a childHandler, or without an address, says what to call', () => {
    assert.throws(
      () => new ServerBootstrap().bind(0),
      (error: Error) => error instanceof IllegalStateError && /call \.childHandler\(…\) before bind/.test(error.message),
    )
    assert.throws(
      () => new ServerBootstrap().childHandler(noHandler).bind(),
      (error: Error) => error instanceof IllegalStateError && /bind\(port\) or \.localAddress\(…\)/.test(error.message),
    )
  })

  test('refuses a port out of range, and what is no address', () => {
    const bootstrap = new ServerBootstrap().childHandler(noHandler)
    for (const port of [-1, 65536, 1.5, Number.NaN]) {
      assert.throws(() => bootstrap.bind(port), /port: .* \(expected: an integer from 0 to 65535\)/)
      assert.throws(() => bootstrap.bind({ address: '127.0.0.1', port }), IllegalArgumentError)
      assert.throws(() => bootstrap.localAddress(port), IllegalArgumentError)
    }
    assert.throws(() => bootstrap.bind(null as never), /expected: \{ address, port \}/)
    assert.throws(() => bootstrap.bind(true as never), /expected: \{ address, port \}/)
  })

  test('refuses a class where a handler, an initializer or a factory belongs', () => {
    class MyHandler {
      readonly isSharable = true
    }
    const bootstrap = new ServerBootstrap()
    assert.throws(() => bootstrap.handler(MyHandler as never), /handler: pass new MyHandler\(\)/)
    assert.throws(() => bootstrap.childHandler(MyHandler as never), /childHandler: pass new MyHandler\(\)/)
    assert.throws(() => bootstrap.channel(LibuvServerChannel as never), /channel: pass a function .* => new LibuvServerChannel\(\)/)
    for (const wrong of [undefined, null, 'echo', 7]) assert.throws(() => bootstrap.childHandler(wrong as never), IllegalArgumentError)
    bootstrap.childHandler((classes) => void classes)
  })

  test(
    'with an option the server channel does not know fails before there is a socket',
    leakScope(async (scope) => {
      const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(noHandler)
      await withoutSocket(async () => {
        const binding = bootstrap.clone().option(ChannelOption.TCP_NODELAY, true).bind(0)
        await assert.rejects(async () => binding, (error: Error) => {
          assert.ok(error instanceof UnsupportedOptionError)
          assert.match(error.message, /ChannelOption\.TCP_NODELAY: accepted connections know it: use childOption/)
          return true
        })
        assert.equal(binding.channel.isOpen, false)
      })
    }),
  )

  test(
    'with a childOption the accepted channels do not know fails before there is a socket',
    leakScope(async (scope) => {
      const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(noHandler)
      await withoutSocket(async () => {
        await assert.rejects(async () => bootstrap.childOption(ChannelOption.SO_BACKLOG, 5).bind(0), UnsupportedOptionError)
      })
    }),
  )

  test(
    'on a port in use fails with EADDRINUSE and closes its channel',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await idleServer(scope, group)
      const second = new ServerBootstrap().group(group).childHandler(noHandler).bind(port, '127.0.0.1')
      await assert.rejects(async () => second, { code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port })
      await second.channel.closeFuture
      assert.equal(second.channel.isOpen, false)
    }),
  )

  for (const code of ['EADDRNOTAVAIL', 'EADDRINUSE'] as const) {
    for (const [when, make] of [
      ['at once', (): ServerChannel => new AtOnce(code)],
      ['later', (): ServerChannel => new Later(code)],
    ] as const) {
      const outcome = code === 'EADDRNOTAVAIL' ? 'listens on that of IPv4' : 'fails'
      test(
        `on the wildcard of IPv6, refused ${when} with ${code}, ${outcome}`,
        leakScope(async (scope) => {
          const binding = new ServerBootstrap().group(scope.group()).channel(make).childHandler(noHandler).bind(0)
          if (code === 'EADDRINUSE') return assert.rejects(async () => binding, { code })
          const server = await binding
          assert.equal((server.localAddress as TcpSocketAddress).address, '0.0.0.0')
          await server.close()
        }),
      )
    }
  }

  test(
    'of the same channel works again after it failed, and not twice',
    leakScope(async (scope) => {
      const group = scope.group()
      const { server } = await idleServer(scope, group)
      const channel = new LibuvServerChannel()
      await group.register(channel)
      await assert.rejects(async () => channel.bind(server.localAddress as never), { code: 'EADDRINUSE' })
      await channel.bind(new TcpSocketAddress('127.0.0.1', 0))
      await assert.rejects(async () => channel.bind(new TcpSocketAddress('127.0.0.1', 0)), { code: 'ERR_KNOTTY_CHANNEL_STATE' })
      assert.ok(channel.isActive)
      await channel.close()
    }),
  )

  test(
    'looks a host name up',
    leakScope(async (scope) => {
      const server = await new ServerBootstrap().group(scope.group()).childHandler(noHandler).bind(0, 'localhost')
      assert.match(server.localAddress?.toString() ?? '', /^(127\.0\.0\.1|\[::1\]):\d+$/)
      await server.close()
    }),
  )

  test(
    'on a host name that does not exist fails and closes its channel',
    leakScope(async (scope) => {
      const binding = new ServerBootstrap().group(scope.group()).childHandler(noHandler).bind(0, 'no-such-host.invalid')
      await assert.rejects(async () => binding)
      assert.equal(binding.channel.isOpen, false)
    }),
  )

  test(
    'without a host accepts IPv4 and IPv6; with IPV6_V6ONLY no IPv4',
    leakScope(async (scope) => {
      const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(noHandler)
      const server = await bootstrap.bind(0)
      const peers = [await connectPlain(portOf(server), '127.0.0.1'), await connectPlain(portOf(server), '::1')]
      const v6 = await bootstrap.option(ChannelOption.IPV6_V6ONLY, true).bind(0)
      await assert.rejects(connectPlain(portOf(v6), '127.0.0.1'), { code: 'ECONNREFUSED' })
      for (const peer of peers) peer.end()
      await Promise.all(peers.map((peer) => new Promise((resolve) => peer.resume().once('close', resolve))))
      await Promise.all([server.close(), v6.close()])
    }),
  )

  test(
    'that is aborted before leaves no socket, and names the reason',
    leakScope(async (scope) => {
      const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(noHandler)
      const reason = new Error('not now')
      await withoutSocket(async () => {
        const binding = bootstrap.bind(0, { signal: AbortSignal.abort(reason) })
        await assert.rejects(async () => binding, { name: 'CancellationError', cause: reason })
        assert.ok(binding.isCancelled && !binding.channel.isOpen)
      })
    }),
  )

  test(
    'that is cancelled while the name is looked up leaves no socket',
    leakScope(async (scope) => {
      const controller = new AbortController()
      const binding = new ServerBootstrap()
        .group(scope.group())
        .childHandler(noHandler)
        .bind(0, 'localhost', { signal: controller.signal })
      await new Promise((resolve) => setImmediate(resolve))
      controller.abort()
      await assert.rejects(async () => binding, { name: 'CancellationError' })
      await eventually(() => assert.equal(binding.channel.isOpen, false))
    }),
  )
})

test(
  'a bind whose channel is closed while the name is looked up fails at once',
  leakScope(async (scope) => {
    const binding = new ServerBootstrap().group(scope.group()).childHandler(noHandler).bind(0, 'localhost')
    await eventually(() => assert.ok(binding.channel.isRegistered))
    await new Promise((resolve) => binding.channel.eventLoop.execute(() => resolve(undefined)))
    void binding.channel.close()
    assert.ok(binding.cause instanceof ClosedChannelError)
  }),
)

/** A machine that has no address of IPv6, or where it is taken. */
class AtOnce extends LibuvServerChannel {
  private readonly code: string

  constructor(code: string) {
    super()
    this.code = code
  }

  protected override listen(address: SocketAddress, promise: ChannelPromise): void {
    if ((address as TcpSocketAddress).family === 6) throw Object.assign(new Error('of the test'), { code: this.code })
    super.listen(address, promise)
  }
}

/** The same, told by an event. */
class Later extends NetServerChannel {
  private readonly code: string

  constructor(code: string) {
    super()
    this.code = code
  }

  protected override listen(address: SocketAddress, promise: ChannelPromise, failed: (error: Error) => void): void {
    if ((address as TcpSocketAddress).family !== 6) return super.listen(address, promise, failed)
    setImmediate(() => failed(Object.assign(new Error('of the test'), { code: this.code })))
  }
}
