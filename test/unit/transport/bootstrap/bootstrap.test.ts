import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AttributeKey, IllegalArgumentError, IllegalStateError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import {
  Bootstrap,
  type Channel,
  type ChannelFuture,
  ChannelOption,
  ChannelStateError,
  ClosedChannelError,
  ConnectError,
  ConnectTimeoutError,
  EventLoopGroup,
  LibuvServerChannel,
  LibuvSocketChannel,
  type TcpSocketAddress,
  UnsupportedOptionError,
} from '@knotty/transport'
import { leakScope } from '../../../support/leak-scope.js'
import { deferred } from '../../../support/tcp.js'
import { hangConnectsTo, idleServer, noHandler, withoutSocket } from './support.js'

const KEY = new AttributeKey<string>('bootstrap')

/** The error a connect fails with; its channel must be closed then. */
async function failureOf(connecting: ChannelFuture<Channel>): Promise<Error> {
  const error = await connecting.then(() => assert.fail('connected'), (thrown: Error) => thrown)
  await connecting.channel.closeFuture
  assert.equal(connecting.channel.isOpen, false)
  return error
}

/** A port on which 127.0.0.2 listens, and so, as far as anybody can tell, 127.0.0.1 does not. */
const onlyOn127002 = idleServer

describe('connect', () => {
  test('without a handler, or without an address, says what to call', () => {
    assert.throws(
      () => new Bootstrap().connect(1),
      (error: Error) => error instanceof IllegalStateError && /call \.handler\(…\) before connect/.test(error.message),
    )
    assert.throws(
      () => new Bootstrap().handler(noHandler).connect(),
      (error: Error) => error instanceof IllegalStateError && /connect\(port, host\) or \.remoteAddress\(…\)/.test(error.message),
    )
  })

  test('refuses a port out of range, what is no address, and a class as handler', () => {
    class MyHandler {}
    const bootstrap = new Bootstrap().handler(noHandler)
    for (const port of [-1, 65536, 0.5]) {
      assert.throws(() => bootstrap.connect(port, 'localhost'), /port: .* \(expected: an integer from 0 to 65535\)/)
      assert.throws(() => bootstrap.remoteAddress(port), IllegalArgumentError)
    }
    assert.throws(() => bootstrap.connect(null as never), IllegalArgumentError)
    assert.throws(() => bootstrap.handler(MyHandler as never), /handler: pass new MyHandler\(\)/)
    assert.throws(() => bootstrap.channel(LibuvSocketChannel as never), IllegalArgumentError)
  })

  test(
    'gives the channel, with the options and attributes as they are then',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await idleServer(scope, group)
      const bootstrap = new Bootstrap().group(group).handler(noHandler).attr(KEY, 'value').remoteAddress(port, '127.0.0.1')
      bootstrap.option(ChannelOption.TCP_NODELAY, true).option(ChannelOption.AUTO_READ, false).option(ChannelOption.AUTO_READ, null)
      const connecting = bootstrap.connect()
      bootstrap.option(ChannelOption.TCP_NODELAY, null).attr(KEY, null)
      const channel = await connecting
      assert.equal(channel, connecting.channel)
      assert.equal(channel.config.getOption(ChannelOption.TCP_NODELAY), true)
      assert.deepEqual([channel.config.autoRead, channel.attr(KEY).get()], [true, 'value'])
      assert.equal(channel.remoteAddress?.toString(), `127.0.0.1:${port}`)
      const second = await bootstrap.connect({ address: '127.0.0.1', port })
      assert.deepEqual([second.config.getOption(ChannelOption.TCP_NODELAY), second.attr(KEY).get()], [undefined, undefined])
      await Promise.all([channel.close(), second.close()])
    }),
  )

  test(
    'may come from a local address; a wildcard fits the family of the remote one',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await idleServer(scope, group)
      const bootstrap = new Bootstrap().group(group).handler(noHandler)
      const fixed = await bootstrap.clone().localAddress({ address: '127.0.0.3', port: 0 }).connect(port, '127.0.0.1')
      assert.equal((fixed.localAddress as TcpSocketAddress).address, '127.0.0.3')
      const wildcard = await bootstrap.clone().localAddress(0).connect(port, '127.0.0.1')
      assert.equal((wildcard.localAddress as TcpSocketAddress).address, '127.0.0.1')
      await Promise.all([fixed.close(), wildcard.close()])
    }),
  )

  test(
    'with an option the channel does not know fails before there is a socket',
    leakScope(async (scope) => {
      const bootstrap = new Bootstrap().group(scope.group()).handler(noHandler).option(ChannelOption.SO_BACKLOG, 5)
      await withoutSocket(async () => {
        const error = await failureOf(bootstrap.connect(1, '127.0.0.1'))
        assert.ok(error instanceof UnsupportedOptionError)
        assert.match(error.message, /(Libuv|Net)SocketChannel does not know ChannelOption\.SO_BACKLOG; it knows .*TCP_NODELAY/)
      })
    }),
  )

  test(
    'that is refused fails with the system error and the address',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await onlyOn127002(scope, group, '127.0.0.2')
      const error = await failureOf(new Bootstrap().group(group).handler(noHandler).connect(port, '127.0.0.1'))
      const { code, syscall, address, port: named } = error as NodeJS.ErrnoException & { address: string; port: number }
      assert.deepEqual([code, syscall, address, named], ['ECONNREFUSED', 'connect', '127.0.0.1', port])
      assert.match(error.message, new RegExp(`^connect ECONNREFUSED 127\\.0\\.0\\.1:${port}: `))
    }),
  )

  test(
    'tries every address in order until one connects',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await onlyOn127002(scope, group, '127.0.0.2')
      const asked: string[] = []
      const channel = await new Bootstrap()
        .group(group)
        .handler(noHandler)
        .resolver(async (host) => {
          asked.push(host)
          return ['127.0.0.1', '127.0.0.2', '127.0.0.3']
        })
        .connect(port, 'some.host')
      assert.deepEqual(asked, ['some.host'])
      assert.equal(channel.remoteAddress?.toString(), `127.0.0.2:${port}`)
      await channel.close()
    }),
  )

  test(
    'whose addresses are all refused lists each try',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await onlyOn127002(scope, group, '127.0.0.2')
      const resolver = async (): Promise<string[]> => ['127.0.0.1', '127.0.0.3', '::1']
      const error = await failureOf(new Bootstrap().group(group).handler(noHandler).resolver(resolver).connect(port, 'some.host'))
      assert.ok(error instanceof ConnectError)
      const addresses = error.errors.map((each) => (each as { address?: string }).address)
      assert.deepEqual(addresses, ['127.0.0.1', '127.0.0.3', '::1'])
      assert.match(error.message, /some\.host.*127\.0\.0\.1.*127\.0\.0\.3.*::1/)
      assert.equal(error.cause, error.errors[0])
    }),
  )

  test(
    'fails with what the resolver fails with, or finds no address',
    leakScope(async (scope) => {
      const bootstrap = new Bootstrap().group(scope.group()).handler(noHandler)
      const cause = new Error('of the resolver')
      await withoutSocket(async () => {
        assert.equal(await failureOf(bootstrap.resolver(() => Promise.reject(cause)).connect(1, 'some.host')), cause)
        const throwing = bootstrap.resolver(() => {
          throw cause
        })
        assert.equal(await failureOf(throwing.connect(1, 'some.host')), cause)
        assert.ok((await failureOf(bootstrap.resolver(async () => []).connect(1, 'some.host'))) instanceof ConnectError)
      })
    }),
  )

  test(
    'times out while the name is looked up, and ignores the late answer',
    leakScope(async (scope) => {
      const answer = deferred<string[]>()
      const bootstrap = new Bootstrap().group(scope.group()).handler(noHandler).option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 30)
      await withoutSocket(async () => {
        const error = await failureOf(bootstrap.resolver(() => answer.promise).connect(1, 'some.host'))
        assert.ok(error instanceof ConnectTimeoutError)
        assert.match(error.message, /some\.host:1 within 30 ms \(name lookup included\)/)
        answer.resolve(['127.0.0.1'])
        await new Promise((resolve) => setImmediate(resolve))
      })
    }),
  )

  test('times out while an address does not answer, and tells of the tries before', (t) =>
    leakScope(async (scope) => {
      hangConnectsTo(t, '127.0.0.9')
      const group = scope.group()
      const { port } = await onlyOn127002(scope, group, '127.0.0.2')
      const bootstrap = new Bootstrap().group(group).handler(noHandler).option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 30)
      await withoutSocket(async () => {
        const error = await failureOf(bootstrap.resolver(async () => ['127.0.0.1', '127.0.0.9']).connect(port, 'some.host'))
        assert.ok(error instanceof ConnectTimeoutError)
        assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED')
      })
    })())

  test(
    'whose channel is closed meanwhile fails with ClosedChannelError',
    leakScope(async (scope) => {
      const bootstrap = new Bootstrap().group(scope.group()).handler(noHandler).resolver(() => new Promise(() => undefined))
      const connecting = bootstrap.connect(1, 'some.host')
      await eventually(() => assert.ok(connecting.channel.isRegistered))
      await new Promise((resolve) => setImmediate(resolve))
      void connecting.channel.close()
      assert.ok((await failureOf(connecting)) instanceof ClosedChannelError)
    }),
  )

  test(
    'twice on one channel is a ChannelStateError that leaves it connected',
    leakScope(async (scope) => {
      const group = scope.group()
      const { server, port } = await idleServer(scope, group)
      const channel = await new Bootstrap().group(group).handler(noHandler).connect(port, '127.0.0.1')
      await assert.rejects(async () => channel.connect(server.localAddress as TcpSocketAddress), ChannelStateError)
      assert.ok(channel.isActive)
      await channel.close()
    }),
  )
})

describe('cancelling a connect', () => {
  /** Each step of a connect, and how a test gets there. */
  const steps = [
    ['while the name is looked up', () => new Promise<string[]>(() => undefined)],
    ['while an address does not answer', async () => ['127.0.0.9']],
  ] as const

  for (const [when, resolver] of steps) {
    test(`by its signal, ${when}, names the reason and leaves no socket`, (t) =>
      leakScope(async (scope) => {
        hangConnectsTo(t, '127.0.0.9')
        const bootstrap = new Bootstrap().group(scope.group()).handler(noHandler).resolver(resolver)
        await withoutSocket(async () => {
          const controller = new AbortController()
          const connecting = bootstrap.connect(1, 'some.host', { signal: controller.signal })
          await reached(connecting)
          const reason = new Error('too slow')
          controller.abort(reason)
          const error = await failureOf(connecting)
          assert.deepEqual([error.name, error.cause, connecting.isCancelled], ['CancellationError', reason, true])
        })
      })())

    test(`by its future, ${when}, leaves no socket`, (t) =>
      leakScope(async (scope) => {
        hangConnectsTo(t, '127.0.0.9')
        const bootstrap = new Bootstrap().group(scope.group()).handler(noHandler).resolver(resolver)
        await withoutSocket(async () => {
          const connecting = bootstrap.connect(1, 'some.host')
          await reached(connecting)
          assert.equal(connecting.cancel(), true)
          assert.equal((await failureOf(connecting)).name, 'CancellationError')
        })
      })())
  }

  test(
    'before it begins opens no socket',
    leakScope(async (scope) => {
      const bootstrap = new Bootstrap().group(scope.group()).handler(noHandler)
      await withoutSocket(async () => {
        const reason = new Error('not now')
        const aborted = await failureOf(bootstrap.connect(1, '127.0.0.1', { signal: AbortSignal.abort(reason) }))
        assert.deepEqual([aborted.name, aborted.cause], ['CancellationError', reason])
        const connecting = bootstrap.connect(1, '127.0.0.1')
        connecting.cancel()
        assert.equal((await failureOf(connecting)).name, 'CancellationError')
      })
    }),
  )

  test(
    'is too late once it is connected; the signal is let go of',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await idleServer(scope, group)
      const controller = new AbortController()
      const { signal } = controller
      let listeners = 0
      const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners++
        add(...args)
      }
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        listeners--
        remove(...args)
      }
      const connecting = new Bootstrap().group(group).handler(noHandler).connect(port, '127.0.0.1', { signal })
      const channel = await connecting
      assert.equal(listeners, 0)
      controller.abort()
      assert.equal(connecting.cancel(), false)
      assert.ok(channel.isActive)
      await channel.close()
    }),
  )

  /** Past registration: the lookup, or the try, is under way. */
  async function reached(connecting: ChannelFuture<Channel>): Promise<void> {
    await eventually(() => assert.ok(connecting.channel.isRegistered))
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
})

describe('clone, config and channel', () => {
  test('a clone has the settings and is independent; a config is a snapshot', () => {
    const group = new EventLoopGroup()
    const resolver = async (): Promise<string[]> => []
    const original = new Bootstrap().group(group).handler({}).attr(KEY, 'x').option(ChannelOption.SO_LINGER, 0)
    original.remoteAddress(80, 'some.host').localAddress({ address: '127.0.0.1', port: 0 }).resolver(resolver)
    const copy = original.clone()
    const { config } = original
    assert.deepEqual(copy.config, config)
    copy.option(ChannelOption.SO_LINGER, null).attr(KEY, null).remoteAddress(81)
    original.option(ChannelOption.TCP_NODELAY, true)
    assert.deepEqual([config.options.size, config.attrs.size, config.remoteAddress?.toString()], [1, 1, 'some.host:80'])
    assert.deepEqual([copy.config.options.size, copy.config.attrs.size, copy.config.remoteAddress?.toString()], [0, 0, 'localhost:81'])
    assert.deepEqual([original.config.options.size, original.config.resolver, original.config.group], [2, resolver, group])
  })

  test(
    'a channel factory makes the channel of each connect; what it does wrong fails the future',
    leakScope(async (scope) => {
      const group = scope.group()
      const { port } = await idleServer(scope, group)
      const bootstrap = new Bootstrap().group(group).handler(noHandler)
      class MyChannel extends LibuvSocketChannel {}
      const channel = await bootstrap.channel(() => new MyChannel()).connect(port, '127.0.0.1')
      assert.ok(channel instanceof MyChannel)
      assert.ok((await failureOf(bootstrap.channel(() => new LibuvServerChannel()).connect(port, '127.0.0.1'))) instanceof Error)
      assert.match((await failureOf(bootstrap.channel(() => channel).connect(port, '127.0.0.1'))).message, /used before/)
      assert.match((await failureOf(bootstrap.channel(() => ({}) as never).connect(port, '127.0.0.1'))).message, /expected: a new channel/)
      assert.ok(channel.isActive)
      await channel.close()
    }),
  )

  test(
    'a registrar that throws or fails closes the channel',
    leakScope(async () => {
      const cause = new Error('of the registrar')
      const throwing = new Bootstrap().handler(noHandler).group({
        register: () => {
          throw cause
        },
      })
      assert.equal(await failureOf(throwing.connect(1, '127.0.0.1')), cause)
    }),
  )
})
