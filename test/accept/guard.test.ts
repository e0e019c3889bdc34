import assert from 'node:assert/strict'
import { after, describe, test, type TestContext } from 'node:test'
import { RejectedExecutionError } from '@knotty/common'
import {
  type Channel,
  ChannelOption,
  ChannelStateError,
  ClosedChannelError,
  DefaultChannelPromise,
  EventLoopGroup,
  LibuvServerChannel,
  LibuvSocketChannel,
  RegistrationTimeoutError,
  TcpSocketAddress,
} from '@knotty/transport'
import { AcceptClient, type ClientBatch, type ConnectionKind } from '../support/accept-client.js'
import { AcceptRun } from '../support/accept-run.js'
import { eventually, openSocketInodes } from '../support/proc-sockets.js'

const client = new AcceptClient()
after(() => client.stop())

/** A bound server and its connections, all accepted. */
async function connected(run: AcceptRun, kinds: readonly ConnectionKind[]): Promise<ClientBatch> {
  await run.bind()
  run.countFromHere()
  const batch = await run.client.open(run.port, kinds)
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

function start(t: TestContext): AcceptRun {
  return new AcceptRun(t, client)
}

describe('a listener of server channel events', () => {
  test('may close the child it is told of', async (t) => {
    const run = start(t)
    await run.bind()
    run.channel.events.on('accepted', (child) => void child.close())
    run.countFromHere()
    const batch = await client.open(run.port, ['silent', 'byte'])
    await ended(run, batch)
    assert.deepEqual([run.accepted.length, run.refused.length], [2, 0])
  })

  test('may throw at `accepted`: the child is served', async (t) => {
    const run = start(t)
    await run.bind()
    run.channel.events.on('accepted', () => assert.fail('of the listener'))
    run.countFromHere()
    assert.equal(await client.echo(run.port), 'ping')
    await eventually(() => run.assertNoSocketLeft())
  })

  test('may throw at `refused`: all are closed and counted', async (t) => {
    const run = start(t)
    run.bootstrap.childHandler(() => run.fault.hit())
    await run.bind()
    run.channel.events.on('refused', () => assert.fail('of the listener'))
    run.countFromHere()
    const batch = await client.open(run.port, ['silent', 'byte', 'fin'])
    await batch.act()
    await refused(run, batch, (cause) => assert.equal(cause, run.fault.error))
  })

  test('may close the server at `refused`: the connections it holds are closed with it', async (t) => {
    const run = start(t)
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

describe('the guard closes the socket when', () => {
  test('the address of the peer cannot be read either', async (t) => {
    const run = start(t)
    run.channel.make = () => {
      throw run.fault.error
    }
    run.channel.remoteAddressOf = () => assert.fail('no memory for an address')
    const batch = await connected(run, ['silent', 'byte'])
    await refused(run, batch, (cause) => assert.equal(cause, run.fault.error))
    assert.equal(run.refused[0]?.remoteAddress, undefined)
  })

  test('no channel is made at all', async (t) => {
    const run = start(t)
    run.channel.make = () => undefined as never
    const batch = await connected(run, ['silent', 'byte'])
    await refused(run, batch, (cause) => assert.ok(cause instanceof TypeError))
  })

  test('the channel is closed already when it is made', async (t) => {
    const run = start(t)
    run.channel.make = () => {
      const child = new LibuvSocketChannel(run.channel)
      child.closeForcibly()
      return child
    }
    const batch = await connected(run, ['silent', 'byte'])
    await refused(run, batch, (cause) => assert.equal(cause, undefined))
  })

  test('the loop of the server takes no timer for the deadline', async (t) => {
    const run = start(t)
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

  test('a handler of the server closes the server and keeps the child', async (t) => {
    const run = start(t)
    run.bootstrap.handler({
      channelRead(ctx, child) {
        run.held.push(child as Channel)
        void ctx.close()
      },
    })
    const batch = await connected(run, ['byte'])
    await refused(run, batch, (cause) => assert.ok(cause instanceof ClosedChannelError))
  })

  test('giving the channel up fails', async (t) => {
    const run = start(t)
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

  test('a registrar says that it is done and has not registered the channel', async (t) => {
    const run = start(t)
    run.bootstrap.group(run.group, { register: (child) => new DefaultChannelPromise(child).setSuccess() })
    const batch = await connected(run, ['silent'])
    assert.equal(run.channel.heldGuards.size, 1)
    await run.channel.close()
    await refused(run, batch, (cause) => assert.ok(cause instanceof ClosedChannelError))
  })

  test('a registrar gives no future', async (t) => {
    const run = start(t)
    run.bootstrap.group(run.group, { register: () => undefined as never })
    const batch = await connected(run, ['silent'])
    await refused(run, batch, (cause) => assert.ok(cause instanceof TypeError))
  })

  test('the group shuts down while an async initializer holds the channel back', async (t) => {
    const run = start(t)
    run.bootstrap.childHandler(() => new Promise<void>(() => undefined))
    const batch = await connected(run, ['silent', 'byte'])
    await run.group.shutdownGracefully({ quietPeriodMs: 0 })
    await refused(run, batch, (cause) => assert.ok(cause instanceof ClosedChannelError))
  })

  test('the group of the children shuts down while an async initializer holds the channel back', async (t) => {
    const run = start(t)
    const children = new EventLoopGroup()
    run.bootstrap.group(run.group, children).childHandler(() => new Promise<void>(() => undefined))
    const batch = await connected(run, ['silent', 'byte'])
    await children.shutdownGracefully({ quietPeriodMs: 0 })
    await refused(run, batch, () => undefined)
    assert.ok(run.channel.isOpen)
  })
})

describe('after the deadline', () => {
  test('an initializer that settles, or a handler that admits, changes nothing', async (t) => {
    const run = start(t)
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

test('a broken childHandler logs one line a second, with a count; events and counters stay exact', async (t) => {
  const run = start(t)
  run.bootstrap.childHandler(() => run.fault.hit())
  let now = 1000
  await run.bind()
  Object.defineProperty(run.group.next(), 'ticker', { value: { now: () => now } })
  const storm = async (connections: number): Promise<void> => {
    const batch = await client.open(run.port, Array.from({ length: connections }, () => 'silent' as const))
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
    run.logged.map(({ message }) => message.replace(/^\S+ \S+ /, '').replace(/127\.0\.0\.1:\d+/, 'PEER')),
    [
      'closed a connection from PEER: the initializer failed',
      'closed a connection from PEER: the initializer failed (and 24 more since the last such line)',
      'closed 2 more connections before they were registered',
    ],
  )
})

test('a server channel that is not registered refuses to bind, and opens no socket', async () => {
  const before = openSocketInodes()
  const server = new LibuvServerChannel()
  await assert.rejects(async () => server.bind(new TcpSocketAddress('127.0.0.1', 0)), ChannelStateError)
  assert.deepEqual(openSocketInodes(), before)
})
