import assert from 'node:assert/strict'
import process from 'node:process'
import { describe } from 'node:test'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelHandlerContext, ChannelOption, EventLoopGroup, RegistrationTimeoutError } from '@knotty/transport'
import { type AcceptRun, Echo } from '../support/accept-run.js'
import type { CellSuite } from './cell-suite.js'

/** How connections come to be admitted, refused and registered. */
export function testAdmission(suite: CellSuite): void {
  describe(`a handler of the server, over ${suite.cell.transport.name},`, () => {
    suite.test('may admit a connection later: it is served, and no deadline is left', async (run) => {
      let admit: (() => void) | undefined
      run.bootstrap.handler({
        channelRead(ctx, child) {
          admit = () => void ctx.fireChannelRead(child)
        },
      })
      await run.bind()
      run.countFromHere()
      const before = timers()
      const served = run.echo()
      await eventually(() => assert.equal(run.channel.heldGuards.size, 1))
      assert.equal(timers(), before + 1)
      admit?.()
      assert.deepEqual([run.channel.heldGuards.size, timers()], [0, before])
      assert.equal(await served, 'ping')
      await eventually(() => run.assertNoSocketLeft())
      assert.deepEqual([run.accepted.length, run.refused.length], [1, 0])
    })

    suite.test('may be async: admitting after an await is served', async (run) => {
      run.bootstrap.handler({
        async channelRead(ctx, child) {
          await new Promise((resolve) => setImmediate(resolve))
          ctx.fireChannelRead(child)
        },
      })
      await run.bind()
      assert.equal(await run.echo(), 'ping')
    })

    suite.test('that is async and rejects holds the connection until the deadline', async (run) => {
      run.bootstrap.option(ChannelOption.REGISTRATION_TIMEOUT_MS, 50).handler({ channelRead: () => Promise.reject(run.fault.error) })
      await run.bind()
      run.countFromHere()
      const batch = await run.open(['byte'])
      await batch.ends()
      await eventually(() => run.assertNoSocketLeft())
      assert.ok(run.refused[0]?.cause instanceof RegistrationTimeoutError)
      assert.ok(run.logged.some(({ error }) => error === run.fault.error))
    })

    suite.test('that admits after the deadline finds the connection closed', async (run) => {
      const contexts: [ChannelHandlerContext, unknown][] = []
      run.bootstrap.option(ChannelOption.REGISTRATION_TIMEOUT_MS, 50)
      run.bootstrap.handler({ channelRead: (ctx, child) => void contexts.push([ctx, child]) })
      await run.bind()
      run.countFromHere()
      const batch = await run.open(['silent'])
      await batch.ends()
      for (const [ctx, child] of contexts) {
        assert.equal((child as Channel).isOpen, false)
        ctx.fireChannelRead(child)
      }
      assert.deepEqual([run.accepted.length, run.refused.length], [0, 1])
      run.assertNoSocketLeft()
    })

    suite.test('may register the connection itself', async (run) => {
      run.bootstrap.handler({ channelRead: (_ctx, child) => void run.group.register(withEcho(child)) })
      await run.bind()
      run.countFromHere()
      assert.equal(await run.echo(), 'ping')
      await eventually(() => run.assertNoSocketLeft())
      assert.equal(run.channel.heldGuards.size, 0)
    })

    suite.test('may hold the connection and register it itself later', async (run) => {
      run.bootstrap.handler({ channelRead: (_ctx, child) => void run.held.push(withEcho(child)) })
      await run.bind()
      run.countFromHere()
      const served = run.echo()
      await eventually(() => assert.equal(run.channel.heldGuards.size, 1))
      for (const child of run.held) void run.group.register(child)
      assert.equal(await served, 'ping')
      assert.equal(run.channel.heldGuards.size, 0)
      await eventually(() => run.assertNoSocketLeft())
    })

    suite.test('that registers the connection and lets it pass the last handler leaves it open', async (run) => {
      run.bootstrap.handler({
        channelRead(ctx, child) {
          void run.group.register(withEcho(child))
          ctx.pipeline.removeLast()
          ctx.fireChannelRead(child)
        },
      })
      await run.bind()
      assert.equal(await run.echo(), 'ping')
      assert.equal(run.refused.length, 0)
    })

    suite.test('that registers the connection and passes it to the acceptor gets it closed, with all its events', async (run) => {
      const log: string[] = []
      run.bootstrap.handler({
        channelRead(ctx, child) {
          ;(child as Channel).pipeline.addLast({
            channelActive: () => void log.push('active'),
            channelInactive: () => void log.push('inactive'),
            channelUnregistered: () => void log.push('unregistered'),
          })
          void run.group.register(child as Channel)
          ctx.fireChannelRead(child)
        },
      })
      await run.bind()
      run.countFromHere()
      const batch = await run.open(['silent'])
      await batch.ends()
      await eventually(() => run.assertNoSocketLeft())
      await eventually(() => assert.deepEqual(log, ['active', 'inactive', 'unregistered']))
      assert.equal(run.group.next().channelCount, 1, 'the loop holds only the server')
    })

    suite.test('sees a connection before the acceptor, also when an async initializer added it', async (run) => {
      const seen: unknown[] = []
      run.bootstrap.handler(async (ch) => {
        await new Promise((resolve) => setImmediate(resolve))
        ch.pipeline.addLast({
          channelRead(ctx, child) {
            seen.push((child as Channel).isRegistered)
            ctx.fireChannelRead(child)
          },
        })
      })
      await run.bind()
      assert.equal(await run.echo(), 'ping')
      assert.deepEqual(seen, [false])
    })
  })

  describe(`an initializer, over ${suite.cell.transport.name},`, () => {
    suite.test('may refuse the connection by closing it', async (run) => {
      run.bootstrap.childHandler((ch) => {
        if (run.fault.on) void ch.close()
        else withEcho(ch)
      })
      await run.bind()
      run.countFromHere()
      const batch = await run.open(['silent', 'byte'])
      await batch.ends()
      await eventually(() => run.assertNoSocketLeft())
      assert.deepEqual(
        run.refused.map(({ reason, cause }) => [reason, cause]),
        Array.from({ length: 2 }, () => ['it was closed before it was registered', undefined]),
      )
      run.fault.on = false
      assert.equal(await run.echo(), 'ping')
      assert.equal(run.accepted.length, 1)
    })

    for (const [what, end] of [
      ['rejects', (run: AcceptRun) => run.fault.hit()],
      ['closes the channel', (_run: AcceptRun, ch: Channel) => void ch.close()],
    ] as const) {
      suite.test(`that is async and ${what} leaves its handlers without an event but handlerRemoved`, async (run) => {
        const log: string[] = []
        run.bootstrap.childHandler(async (ch) => {
          ch.pipeline.addLast({
            handlerAdded: () => void log.push('added'),
            channelRegistered: () => void log.push('registered'),
            channelActive: () => void log.push('active'),
            channelInactive: () => void log.push('inactive'),
            channelUnregistered: () => void log.push('unregistered'),
            handlerRemoved: () => void log.push('removed'),
          })
          await new Promise((resolve) => setImmediate(resolve))
          end(run, ch)
        })
        await run.bind()
        run.countFromHere()
        const batch = await run.open(['byte'])
        await batch.ends()
        await eventually(() => run.assertNoSocketLeft())
        await eventually(() => assert.deepEqual(log, ['added', 'removed']))
        assert.deepEqual([run.refused.length, run.accepted.length, run.group.next().channelCount], [1, 0, 1])
      })
    }
  })

  describe(`a child, over ${suite.cell.transport.name},`, () => {
    suite.test('may be registered to another group than its server', async (run, t) => {
      const workers = new EventLoopGroup()
      t.after(() => workers.shutdownGracefully({ quietPeriodMs: 0 }))
      run.bootstrap.group(run.group, workers)
      await run.bind()
      assert.equal(await run.echo(), 'ping')
      assert.equal(run.accepted[0]?.eventLoop, workers.next())
    })

    suite.test('that is deregistered and registered again is accepted once, and its socket closes with it', async (run) => {
      await run.bind()
      run.countFromHere()
      const batch = await run.open(['byte'])
      await eventually(() => assert.equal(run.accepted.length, 1))
      const child = run.accepted[0] as Channel
      await child.deregister()
      await run.group.register(child)
      assert.equal(run.accepted.length, 1)
      await child.close()
      await batch.ends()
      await eventually(() => run.assertNoSocketLeft())
      assert.equal(run.refused.length, 0)
    })

    suite.test('outlives its server', async (run) => {
      await run.bind()
      const batch = await run.open(['silent'])
      await eventually(() => assert.equal(run.accepted.length, 1))
      await run.channel.close()
      const child = run.accepted[0] as Channel
      assert.ok(child.isActive)
      await child.close()
      assert.deepEqual(await batch.ends(), ['end'])
    })
  })
}

/** Timers that would keep the process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

function withEcho(child: unknown): Channel {
  const channel = child as Channel
  channel.pipeline.addLast(new Echo())
  return channel
}
