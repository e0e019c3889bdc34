import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import net from 'node:net'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { AttributeKey } from '@knotty/common'
import { eventually } from '@knotty/testing'
import {
  type Channel,
  ChannelOption,
  ClosedChannelError,
  EventLoopGroup,
  LibuvServerChannel,
  LibuvSocketChannel,
  ServerBootstrap,
} from '@knotty/transport'
import { leakScope } from '../../../support/leak-scope.js'
import { recordLogs } from '../channel/recorded-logs.js'
import { connectPlain, idleServer, noHandler, portOf, withoutSocket } from './support.js'

const KEY = new AttributeKey<string>('server-bootstrap')

describe('the settings of children', () => {
  test(
    'are taken at bind: options in order, attributes, handler; null takes one back',
    leakScope(async (scope) => {
      const children: Channel[] = []
      const bootstrap = new ServerBootstrap()
        .group(scope.group())
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childOption(ChannelOption.SO_KEEPALIVE, true)
        .childOption(ChannelOption.SO_KEEPALIVE, null)
        .childAttr(KEY, 'first')
        .attr(KEY, 'of the server')
        .childHandler((ch) => void children.push(ch))
      const server = await bootstrap.bind(0, '127.0.0.1')
      bootstrap.childOption(ChannelOption.TCP_NODELAY, false).childAttr(KEY, null).attr(KEY, null)
      bootstrap.childHandler(() => assert.fail('too late'))
      const peer = await connectPlain(portOf(server), '127.0.0.1')
      await eventually(() => assert.equal(children.length, 1))
      const child = children[0] as Channel
      assert.equal(child.config.getOption(ChannelOption.TCP_NODELAY), true)
      assert.equal(child.config.getOption(ChannelOption.SO_KEEPALIVE), undefined)
      assert.deepEqual([child.attr(KEY).get(), server.attr(KEY).get()], ['first', 'of the server'])
      assert.equal(child.parent, server)
      peer.destroy()
      await child.closeFuture
      await server.close()
    }),
  )

  test('that are no options or attributes are typed errors', () => {
    const bootstrap = new ServerBootstrap()
    for (const wrong of [undefined, 'TCP_NODELAY', {}]) {
      assert.throws(() => bootstrap.option(wrong as never, true as never), /option: .* \(expected: a ChannelOption\)/)
      assert.throws(() => bootstrap.childOption(wrong as never, null), /childOption: .* \(expected: a ChannelOption\)/)
      assert.throws(() => bootstrap.attr(wrong as never, 'x' as never), /attr: .* \(expected: an AttributeKey\)/)
      assert.throws(() => bootstrap.childAttr(wrong as never, null), /childAttr: .* \(expected: an AttributeKey\)/)
    }
    assert.throws(() => bootstrap.option(ChannelOption.SO_BACKLOG, 0), /SO_BACKLOG/)
    assert.throws(() => bootstrap.childOption(ChannelOption.SO_LINGER, 5), /SO_LINGER \(0 only\): 5/)
  })

  test(
    'with one handler instance that is not sharable are warned of at bind, once',
    async (t) => {
      const logs = recordLogs(t)
      class Mine {}
      const group = new EventLoopGroup()
      t.after(() => group.shutdownGracefully({ quietPeriodMs: 0 }))
      await new ServerBootstrap().group(group).childHandler(new Mine()).bind(0, '127.0.0.1')
      assert.deepEqual(
        logs.map(({ level }) => level),
        ['warn'],
      )
      assert.match(logs[0]?.message ?? '', /one Mine instance that is not sharable.*\(\(ch\) => ch\.pipeline\.addLast\(new Mine\(\)\)\)/)
      await new ServerBootstrap().group(group).childHandler(Object.assign(new Mine(), { isSharable: true })).bind(0, '127.0.0.1')
      await new ServerBootstrap().group(group).childHandler(noHandler).bind(0, '127.0.0.1')
      assert.equal(logs.length, 1)
    },
  )
})

describe('handler', () => {
  test(
    'sees the server become active and each child before the acceptor, which stands last',
    leakScope(async (scope) => {
      const log: string[] = []
      const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(() => void log.push('childHandler'))
      const server = await bootstrap
        .handler((ch) => {
          ch.pipeline.addLast({
            channelActive: () => void log.push('active'),
            channelRead(ctx, child) {
              log.push(`read ${String((child as Channel).isRegistered)}`)
              ctx.fireChannelRead(child)
            },
          })
        })
        .bind(0, '127.0.0.1')
      assert.deepEqual(server.pipeline.names, ['Handler#0', 'ServerBootstrapAcceptor#0'])
      const peer = await connectPlain(portOf(server), '127.0.0.1')
      await eventually(() => assert.deepEqual(log, ['active', 'read false', 'childHandler']))
      peer.destroy()
      await server.close()
    }),
  )

  test(
    'sees the server become active before any child, also when clients wait for the port while a name is looked up',
    leakScope(async (scope) => {
      const group = scope.group()
      const log: string[] = []
      const first = await new ServerBootstrap().group(group).childHandler(() => undefined).bind(0, '127.0.0.1')
      const port = portOf(first)
      await first.close()
      const peers: net.Socket[] = []
      const binding = new ServerBootstrap()
        .group(group)
        .handler({
          channelActive: () => void log.push('active'),
          channelRead: (ctx, child) => {
            log.push('read')
            ctx.fireChannelRead(child)
          },
        })
        .childHandler(() => undefined)
        .bind(port, 'localhost')
      // The kernel completes this connection as soon as the port is bound: before any task of the loop.
      binding.addListener((done) => peers.push(net.connect(port, (done.channel.localAddress as { address: string }).address)))
      const server = await binding
      await eventually(() => assert.deepEqual(log, ['active', 'read']))
      for (const peer of peers) peer.destroy()
      await server.close()
    }),
  )

  test(
    'that is not sharable serves one server; the second bind fails and leaves no socket',
    leakScope(async (scope) => {
      const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(noHandler).handler({})
      const server = await bootstrap.bind(0, '127.0.0.1')
      await withoutSocket(() => assert.rejects(async () => bootstrap.bind(0, '127.0.0.1'), { code: 'ERR_KNOTTY_HANDLER_NOT_SHARABLE' }))
      await server.close()
    }),
  )

  test(
    'that throws in its initializer fails the bind',
    (t) =>
      leakScope(async (scope) => {
        const logs = recordLogs(t)
        const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(noHandler)
        const cause = new Error('of the initializer')
        const failing = bootstrap.handler(() => {
          throw cause
        })
        await withoutSocket(() =>
          assert.rejects(
            async () => failing.bind(0, '127.0.0.1'),
            (error: Error) => error instanceof ClosedChannelError && error.cause === cause,
          ),
        )
        assert.equal(logs.length, 1)
      })(),
  )
})

describe('group', () => {
  test(
    'takes one for the server and one for its children',
    leakScope(async (scope) => {
      const [boss, worker] = [scope.group(), scope.group()]
      const children: Channel[] = []
      const server = await new ServerBootstrap().group(boss, worker).childHandler((ch) => void children.push(ch)).bind(0, '127.0.0.1')
      const peer = await connectPlain(portOf(server), '127.0.0.1')
      await eventually(() => assert.equal(children.length, 1))
      assert.deepEqual([server.eventLoop, children[0]?.eventLoop], [boss.next(), worker.next()])
      assert.deepEqual([boss.next().channelCount, worker.next().channelCount], [1, 1])
      peer.destroy()
      await children[0]?.closeFuture
      await server.close()
    }),
  )

  test(
    'that is shutting down fails the bind',
    leakScope(async (scope) => {
      const group = scope.group()
      void group.shutdownGracefully({ quietPeriodMs: 0 })
      const bootstrap = new ServerBootstrap().group(group).childHandler(noHandler)
      await withoutSocket(() => assert.rejects(async () => bootstrap.bind(0), { name: 'RejectedExecutionError' }))
    }),
  )

  test('may be left out: the shared one serves, and the process ends when its channels are closed', () => {
    const script = `
      import { Bootstrap, ServerBootstrap } from '@knotty/transport'
      const server = await new ServerBootstrap().childHandler(() => {}).bind(0, '127.0.0.1')
      const client = await new Bootstrap().handler(() => {}).connect(server.localAddress.port, '127.0.0.1')
      await client.close()
      await server.close()
      console.log('closed')
    `
    const cwd = path.join(import.meta.dirname, '../../../..')
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8', timeout: 20_000 })
    assert.deepEqual([result.status, result.stdout, result.stderr, result.signal], [0, 'closed\n', '', null])
  })
})

describe('clone and config', () => {
  test('a clone has the settings and is independent', () => {
    const group = new EventLoopGroup()
    const handler = {}
    const childHandler = { isSharable: true }
    const original = new ServerBootstrap()
      .group(group, group)
      .option(ChannelOption.SO_BACKLOG, 7)
      .attr(KEY, 'server')
      .childOption(ChannelOption.TCP_NODELAY, true)
      .childAttr(KEY, 'child')
      .handler(handler)
      .childHandler(childHandler)
      .localAddress(1234, '127.0.0.1')
    const copy = original.clone()
    assert.deepEqual(copy.config, original.config)
    copy.option(ChannelOption.SO_BACKLOG, null).attr(KEY, null).childOption(ChannelOption.TCP_NODELAY, null).childAttr(KEY, null)
    const { config } = original
    assert.equal(config.options.get(ChannelOption.SO_BACKLOG as never), 7)
    assert.deepEqual([config.attrs.size, config.childOptions.size, config.childAttrs.size], [1, 1, 1])
    assert.deepEqual([copy.config.options.size, copy.config.childOptions.size, copy.config.childAttrs.size], [0, 0, 0])
    assert.deepEqual([config.group, config.childGroup, config.handler, config.childHandler], [group, group, handler, childHandler])
    assert.equal(config.localAddress?.toString(), '127.0.0.1:1234')
  })

  test('a config is a snapshot', () => {
    const bootstrap = new ServerBootstrap()
    const { config } = bootstrap
    bootstrap.option(ChannelOption.SO_BACKLOG, 7).childOption(ChannelOption.TCP_NODELAY, true).childHandler(noHandler)
    assert.deepEqual([config.options.size, config.childOptions.size, config.childHandler], [0, 0, undefined])
  })
})

describe('channel', () => {
  test(
    'makes the channel of each bind',
    leakScope(async (scope) => {
      const made: LibuvServerChannel[] = []
      const bootstrap = new ServerBootstrap().group(scope.group()).childHandler(noHandler)
      bootstrap.channel(() => {
        made.push(new LibuvServerChannel())
        return made.at(-1) as LibuvServerChannel
      })
      const servers = [await bootstrap.bind(0, '127.0.0.1'), await bootstrap.bind(0, '127.0.0.1')]
      assert.deepEqual(servers, made)
      for (const server of servers) await server.close()
    }),
  )

  test(
    'that throws, gives no channel, a used one or no server fails the future, and never throws',
    leakScope(async (scope) => {
      const group = scope.group()
      const { server } = await idleServer(scope, group)
      const bootstrap = new ServerBootstrap().group(group).childHandler(noHandler)
      const factories: readonly (readonly [() => unknown, RegExp])[] = [
        [() => assert.fail('of the factory'), /of the factory/],
        [() => undefined, /channel: the function gave undefined/],
        [() => server, /used before/],
        [() => new LibuvSocketChannel(), /is not a server channel/],
      ]
      for (const [factory, message] of factories) {
        const binding = bootstrap.channel(factory as never).bind(0, '127.0.0.1')
        await assert.rejects(async () => binding, message)
        assert.equal(binding.channel.isOpen, false)
      }
      assert.ok(server.isActive)
    }),
  )
})
