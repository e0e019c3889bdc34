import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { RejectedExecutionError } from '@knotty/common'
import { eventually, openSocketInodes } from '@knotty/testing'
import {
  type Channel,
  ChannelOption,
  ChannelStateError,
  ClosedChannelError,
  DefaultChannelPromise,
  EventLoopGroup,
  RegistrationTimeoutError,
} from '@knotty/transport'
import type { ClientBatch, ConnectionKind } from '../support/accept-client.js'
import type { AcceptRun } from '../support/accept-run.js'
import type { CellSuite } from './cell-suite.js'

/** A bound server and its connections, all accepted. */
async function connected(run: AcceptRun, kinds: readonly ConnectionKind[]): Promise<ClientBatch> {
  await run.bind()
  run.countFromHere()
  const batch = await run.open(kinds)
  await eventually(() => assert.equal(run.group.counters.accepted, kinds.length))
  return batch
}

/** All connections of the batch ended and nothing is left of them. */
async function ended(run: AcceptRun, batch: ClientBatch): Promise<void> {
  await batch.ends()
  await eventually(() => run.assertNoSocketLeft())
  assert.equal(run.channel.heldGuards.size, 0)
}

/** Every connection was refused with this cause and nothing is left of them. */
async function refused(run: AcceptRun, batch: ClientBatch, isCause: (cause: Error | undefined) => void): Promise<void> {
  await ended(run, batch)
  assert.equal(run.refused.length, run.group.counters.accepted)
  assert.equal(run.group.counters.refused, run.group.counters.accepted)
  for (const { cause } of run.refused) isCause(cause)
}

/** What the guard of an accepted socket does when the code around it fails. */
export function testGuard(suite: CellSuite): void {
  describe(`a listener of server channel events, over ${suite.cell.transport.name},`, () => {
    suite.test('may close the child it is told of', async (run) => {
      await run.bind()
      run.channel.events.on('accepted', (child) => void child.close())
      run.countFromHere()
      const batch = await run.open(['silent', 'byte'])
      await ended(run, batch)
      assert.deepEqual([run.accepted.length, run.refused.length], [2, 0])
    })

    suite.test('may throw at `accepted`: the child is served', async (run) => {
      await run.bind()
      run.channel.events.on('accepted', () => assert.fail('of the listener'))
      run.countFromHere()
      assert.equal(await run.echo(), 'ping')
      await eventually(() => run.assertNoSocketLeft())
    })

    suite.test('may throw at `refused`: all are closed and counted', async (run) => {
      run.bootstrap.childHandler(() => run.fault.hit())
      await run.bind()
      run.channel.events.on('refused', () => assert.fail('of the listener'))
      run.countFromHere()
      const batch = await run.open(['silent', 'byte', 'fin'])
      await batch.act()
      await refused(run, batch, (cause) => assert.equal(cause, run.fault.error))
    })

    suite.test('may close the server at `refused`: the connections it holds are closed with it', async (run) => {
      run.bootstrap.handler({ channelRead: (_ctx, child) => void run.held.push(child as Channel) })
      const batch = await connected(run, ['silent', 'byte', 'fin'])
      run.channel.events.on('refused', () => void run.channel.close())
      assert.equal(run.channel.heldGuards.size, 3)
      void run.held[1]?.close()
      await refused(run, batch, () => undefined)
      assert.equal(run.channel.isOpen, false)
      assert.deepEqual(
        run.refused.map(({ cause }) => cause instanceof ClosedChannelError),
        [false, true, true],
      )
    })
  })

  describe(`the guard closes the socket when, over ${suite.cell.transport.name},`, () => {
    suite.test('the address of the peer cannot be read either', async (run) => {
      run.channel.make = () => {
        throw run.fault.error
      }
      run.channel.remoteAddressOf = () => assert.fail('no memory for an address')
      const batch = await connected(run, ['silent', 'byte'])
      await refused(run, batch, (cause) => assert.equal(cause, run.fault.error))
      assert.equal(run.refused[0]?.remoteAddress, undefined)
    })

    suite.test('no channel is made at all', async (run) => {
      run.channel.make = () => undefined as never
      const batch = await connected(run, ['silent', 'byte'])
      await refused(run, batch, (cause) => assert.ok(cause instanceof TypeError))
    })

    suite.test('the channel is closed already when it is made', async (run) => {
      run.channel.make = () => {
        const child = run.cell.newChild(run.channel)
        child.closeForcibly()
        return child
      }
      const batch = await connected(run, ['silent', 'byte'])
      await refused(run, batch, (cause) => assert.equal(cause, undefined))
    })

    suite.test('the loop of the server takes no timer for the deadline', async (run, t) => {
      const rejected = new RejectedExecutionError('no timers')
      run.bootstrap.handler({ channelRead: (_ctx, child) => void run.held.push(child as Channel) })
      t.mock.method(run.group.next(), 'schedule', () => {
        throw rejected
      })
      const batch = await connected(run, ['silent', 'byte'])
      await refused(run, batch, (cause) => assert.equal(cause, rejected))
      assert.deepEqual(
        run.held.map((child) => child.isOpen),
        [false, false],
      )
    })

    suite.test('a handler of the server closes the server and keeps the child', async (run) => {
      run.bootstrap.handler({
        channelRead(ctx, child) {
          run.held.push(child as Channel)
          void ctx.close()
        },
      })
      const batch = await connected(run, ['byte'])
      await refused(run, batch, (cause) => assert.ok(cause instanceof ClosedChannelError))
    })

    suite.test('giving the channel up fails', async (run) => {
      const make = run.channel.make
      run.channel.make = (handle, guard) => {
        const child = make(handle, guard)
        child.abandon = () => assert.fail('of abandon')
        return child
      }
      run.bootstrap.handler({ channelRead: () => run.fault.hit() })
      const batch = await connected(run, ['silent', 'byte'])
      await refused(run, batch, (cause) => assert.equal(cause, run.fault.error))
    })

    suite.test('a registrar says that it is done and has not registered the channel', async (run) => {
      run.bootstrap.group(run.group, { register: (child) => new DefaultChannelPromise(child).setSuccess() })
      const batch = await connected(run, ['silent'])
      assert.equal(run.channel.heldGuards.size, 1)
      await run.channel.close()
      await refused(run, batch, (cause) => assert.ok(cause instanceof ClosedChannelError))
    })

    suite.test('a registrar gives no future', async (run) => {
      run.bootstrap.group(run.group, { register: () => undefined as never })
      const batch = await connected(run, ['silent'])
      await refused(run, batch, (cause) => assert.ok(cause instanceof TypeError))
    })

    suite.test('the group shuts down while an async initializer holds the channel back', async (run) => {
      run.bootstrap.childHandler(() => new Promise<void>(() => undefined))
      const batch = await connected(run, ['silent', 'byte'])
      await run.group.shutdownGracefully({ quietPeriodMs: 0 })
      await refused(run, batch, (cause) => assert.ok(cause instanceof ClosedChannelError))
    })

    suite.test('the group of the children shuts down while an async initializer holds the channel back', async (run) => {
      const children = new EventLoopGroup()
      run.bootstrap.group(run.group, children).childHandler(() => new Promise<void>(() => undefined))
      const batch = await connected(run, ['silent', 'byte'])
      await children.shutdownGracefully({ quietPeriodMs: 0 })
      await refused(run, batch, () => undefined)
      assert.ok(run.channel.isOpen)
    })
  })

  describe(`after the deadline, over ${suite.cell.transport.name},`, () => {
    suite.test('an initializer that settles, or a handler that admits, changes nothing', async (run) => {
      const log: string[] = []
      let settle: (() => void) | undefined
      const registrations: (() => void)[] = []
      run.bootstrap
        .group(run.group, {
          register(child) {
            const promise = new DefaultChannelPromise(child)
            registrations.push(() => void run.group.register(child))
            return registrations.length === 1 ? run.group.register(child) : promise
          },
        })
        .childHandler(async (ch) => {
          ch.pipeline.addLast({
            channelRegistered: () => log.push('registered'),
            channelActive: () => log.push('active'),
            channelInactive: () => log.push('inactive'),
            channelUnregistered: () => log.push('unregistered'),
            handlerRemoved: () => log.push('removed'),
          })
          await new Promise<void>((resolve) => {
            settle = resolve
          })
        })
      run.bootstrap.option(ChannelOption.REGISTRATION_TIMEOUT_MS, 50)
      const batch = await connected(run, ['silent', 'byte'])
      await refused(run, batch, (cause) => assert.ok(cause instanceof RegistrationTimeoutError))
      settle?.()
      for (const register of registrations) register()
      await new Promise((resolve) => run.group.execute(() => setImmediate(resolve)))
      assert.deepEqual(log, ['removed'])
      assert.deepEqual([run.accepted.length, run.refused.length, run.group.next().channelCount], [0, 2, 1])
    })
  })

  suite.test('a broken childHandler logs one line a second, with a count; events and counters stay exact', async (run) => {
    run.bootstrap.childHandler(() => run.fault.hit())
    let now = 1000
    await run.bind()
    Object.defineProperty(run.group.next(), 'ticker', { value: { now: () => now } })
    const storm = async (connections: number): Promise<void> => {
      const batch = await run.open(Array.from({ length: connections }, () => 'silent' as const))
      await batch.ends()
    }
    await storm(20)
    now += 999
    await storm(5)
    now += 1
    await storm(3)
    await eventually(() => assert.deepEqual([run.refused.length, run.group.counters.refused], [28, 28]))
    await run.channel.close()
    assert.deepEqual(
      run.logged.map(({ message }) => message.replace(/^\S+ \S+ /, '').replace(/from (.*):/, (_, peer: string) => {
        assert.match(peer, run.cell.family.peerInLog)
        return 'from PEER:'
      })),
      [
        'closed a connection from PEER: the initializer failed',
        'closed a connection from PEER: the initializer failed (and 24 more since the last such line)',
        'closed 2 more connections before they were registered',
      ],
    )
  })

  suite.test('a server channel that is not registered refuses to bind, and opens no socket', async ({ cell }) => {
    const before = openSocketInodes()
    const server = cell.newServer()
    await assert.rejects(async () => server.bind(cell.family.newAddress()), ChannelStateError)
    assert.deepEqual(openSocketInodes(), before)
  })
}
