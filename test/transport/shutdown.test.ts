import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { IllegalArgumentError, RejectedExecutionError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import { Bootstrap, ClosedChannelError, EventLoopGroup, LibuvSocketChannel, ServerBootstrap } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { runScript } from '../support/run-script.js'
import { connect, deferred, plainClient, plainServer, readBytes, serve, untilClosed } from '../support/tcp.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

describe('shutdownGracefully()', () => {
  test('stops accepting and registering at once, and closes open channels after the quiet period', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const server = await serve(scope, group, () => [{ channelRead: (ctx, msg) => ctx.writeAndFlush(msg, null) }])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.ok(child.isActive))
      const ended = group.shutdownGracefully({ quietPeriodMs: 100 })
      assert.deepEqual([group.isShuttingDown, group.isTerminated], [true, false])
      assert.equal(server.channel.isOpen, false)
      const late = new LibuvSocketChannel()
      assert.ok(group.register(late).cause instanceof RejectedExecutionError)
      assert.equal(late.isOpen, false)
      assert.ok(late.closeFuture.isSuccess)
      const connecting = new Bootstrap().group(group).handler({}).connect(server.port, '127.0.0.1')
      await assert.rejects(Promise.resolve(connecting), RejectedExecutionError)
      const binding = new ServerBootstrap().group(group).childHandler(() => undefined).bind(0, '127.0.0.1')
      await assert.rejects(Promise.resolve(binding), RejectedExecutionError)
      const refused = net.connect(server.port, '127.0.0.1')
      await assert.rejects(once(refused, 'connect'), { code: 'ECONNREFUSED' })
      // Until the quiet period is over the open channel works as ever.
      client.write('still served')
      assert.equal((await readBytes(client, 12)).toString(), 'still served')
      assert.ok(child.isActive)
      await ended
      assert.equal(child.isOpen, false)
      assert.equal(group.next().channelCount, 0)
      assert.ok(group.isTerminated)
      await untilClosed(client)
    })()
  })

  test(
    'gives the same future each time, which is terminationFuture',
    leakScope(async (scope) => {
      const group = scope.group()
      const first = group.shutdownGracefully({ quietPeriodMs: 0 })
      assert.equal(group.shutdownGracefully(), first)
      assert.equal(group.terminationFuture, first)
      await first
      assert.equal(group.shutdownGracefully({ quietPeriodMs: 0 }), first)
    }),
  )

  test(
    'refuses a timeout below the quiet period',
    leakScope(async (scope) => {
      assert.throws(() => scope.group().shutdownGracefully({ quietPeriodMs: 100, timeoutMs: 50 }), IllegalArgumentError)
    }),
  )

  test(
    'waits until no task has come for the quiet period',
    leakScope(async (scope) => {
      const group = scope.group()
      const ended = group.shutdownGracefully({ quietPeriodMs: 40 })
      let tasks = 0
      const stopped = deferred()
      const timer = setInterval(() => {
        group.execute(() => {
          assert.equal(group.isTerminated, false)
          if (++tasks < 8) return
          clearInterval(timer)
          stopped.resolve()
        })
      }, 10)
      await stopped.promise
      await ended
      assert.equal(tasks, 8)
    }),
  )

  test(
    'ends at the timeout when tasks keep coming',
    leakScope(async (scope) => {
      const group = scope.group()
      const peer = await plainServer(scope)
      const channel = await connect(scope, group, peer.port)
      let stopped = false
      const again = (): void => {
        if (!stopped && !group.isTerminated) group.execute(again)
      }
      group.execute(again)
      await group.shutdownGracefully({ quietPeriodMs: 30, timeoutMs: 60 })
      stopped = true
      assert.equal(channel.isOpen, false)
    }),
  )

  test(
    'ends at the timeout also without a quiet period when a task posts itself for ever',
    leakScope(async (scope) => {
      const group = scope.group()
      const again = (): void => {
        if (!group.isTerminated) group.execute(again)
      }
      group.execute(again)
      await group.shutdownGracefully({ quietPeriodMs: 0, timeoutMs: 40 })
    }),
  )

  test(
    'closes channels whose handlers keep close() to themselves, and those that connect still',
    leakScope(async (scope) => {
      const group = scope.group()
      const peer = await plainServer(scope)
      let asked = 0
      const swallow = { close: (_ctx: unknown) => void asked++ }
      const stubborn = await connect(scope, group, peer.port, [swallow])
      const connecting = new Bootstrap()
        .group(group)
        .resolver(() => new Promise<never>(() => undefined))
        .handler({})
        .connect(1, 'nowhere.invalid')
      const write = stubborn.write(Buffer.from('x'))
      await group.shutdownGracefully({ quietPeriodMs: 0 })
      assert.equal(asked, 1)
      assert.equal(stubborn.isOpen, false)
      assert.ok(write.cause instanceof ClosedChannelError)
      await assert.rejects(Promise.resolve(connecting), ClosedChannelError)
    }),
  )

  test(
    'from inside a handler fires channelInactive before it ends',
    leakScope(async (scope) => {
      const group = scope.group()
      const log: string[] = []
      const server = await serve(scope, group, () => [
        {
          channelRead: () => {
            group.shutdownGracefully({ quietPeriodMs: 0 }).addListener(() => log.push('ended'))
            log.push('read')
          },
          channelReadComplete: () => log.push('read complete'),
          channelInactive: () => log.push('inactive'),
          handlerRemoved: () => log.push('removed'),
        },
      ])
      const client = await plainClient(scope, server.port)
      client.write('x')
      await eventually(() => assert.ok(log.includes('ended')))
      assert.deepEqual(log, ['read', 'read complete', 'inactive', 'removed', 'ended'])
    }),
  )

  test('cancels scheduled tasks, and those scheduled meanwhile at its end', async () => {
    const group = new EventLoopGroup()
    const before = group.schedule(() => assert.fail('it ran'), 5)
    const ended = group.shutdownGracefully({ quietPeriodMs: 20 })
    assert.ok(before.isCancelled)
    const meanwhile = group.schedule(() => assert.fail('it ran'), 10_000)
    await ended
    assert.ok(meanwhile.isCancelled)
  })

  test('is what `await using` does, without a quiet period', async () => {
    const group = new EventLoopGroup()
    const server = await new ServerBootstrap().group(group).childHandler(() => undefined).bind(0, '127.0.0.1')
    await group[Symbol.asyncDispose]()
    assert.ok(group.isTerminated)
    assert.equal(server.isOpen, false)
  })
})

describe('the process', () => {
  const SERVER = `
    import { EventLoopGroup, ServerBootstrap } from '@knotty/transport'
    const group = new EventLoopGroup()
    const server = await new ServerBootstrap().group(group).childHandler((ch) => {}).bind(0, '127.0.0.1')
  `

  /**
   * Calls back when the test answers on standard input, which does not keep the process alive: a process that nothing else keeps
   * alive has ended by then, and prints no `alive`.
   */
  const WHEN_ANSWERED = `;((then) => {
    process.stdin.once('data', () => { console.log('alive'); then() })
    process.stdin.unref()
    console.log('ready')
  })`

  test('stays alive while a server is open, and ends by itself when it is closed', async () => {
    const result = await runScript(`${SERVER}
      ${WHEN_ANSWERED}(() => void server.close())
      process.once('exit', () => console.log('exit'))
    `, [], {}, 'go')
    assert.deepEqual([result.code, result.signal, result.stdout], [0, null, 'ready\nalive\nexit\n'])
  })

  test('stays alive while channels that read nothing are open', async () => {
    const result = await runScript(`
      import { EventLoopGroup, ServerBootstrap, Bootstrap, ChannelOption } from '@knotty/transport'
      const group = new EventLoopGroup()
      const server = await new ServerBootstrap().group(group).childOption(ChannelOption.AUTO_READ, false)
        .childHandler((ch) => {}).bind(0, '127.0.0.1')
      const accepted = new Promise((resolve) => server.events.once('accepted', resolve))
      const channel = await new Bootstrap().group(group).option(ChannelOption.AUTO_READ, false).handler({})
        .connect(server.localAddress.port, '127.0.0.1')
      const child = await accepted
      await server.close()
      ${WHEN_ANSWERED}(async () => { await channel.close(); await child.close() })
    `, [], {}, 'go')
    assert.deepEqual([result.code, result.signal, result.stdout], [0, null, 'ready\nalive\n'])
  })

  test('is kept alive by a scheduled task, not by an idle group', async () => {
    const result = await runScript(`
      import { EventLoopGroup } from '@knotty/transport'
      const group = new EventLoopGroup()
      group.schedule(() => console.log('ran'), 50)
    `)
    assert.deepEqual([result.code, result.stdout], [0, 'ran\n'])
  })
})
