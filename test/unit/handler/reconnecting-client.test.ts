import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { IllegalArgumentError, IllegalStateError, RejectedExecutionError, setLogger } from '@knotty/common'
import { ReconnectError, ReconnectingClient, type ReconnectingClientOptions } from '@knotty/handler'
import { Bootstrap, type Channel, ChannelOption, EventLoopGroup, LocalChannel } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'
import { deferred } from '../../support/tcp.js'
import { bootstrapTo, RestartableServer, VirtualTimers, watched } from './reconnect-support.js'

const NOWHERE = { localId: 'reconnect: nobody listens here' }

describe('a connection that ends', () => {
  test(
    'is made again after a random delay; while the server is gone the delays grow, and a stable connection begins them anew',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const server = new RestartableServer(scope, group, { localId: '' })
      const { client, log, next, scheduled, channels } = watched(scope, bootstrapTo(timers, await server.up()))
      assert.equal(client.state, 'stopped')
      client.start()
      assert.equal(client.state, 'connecting')
      await next('connected')
      assert.deepEqual([client.state, client.channel], ['connected', channels[0]])

      timers.advanceTimeBy(10_000)
      await Promise.all([server.down(), next('scheduled')])
      assert.deepEqual([client.state, client.channel], ['waiting', undefined])
      for (const delay of [500, 1000, 2000, 4000]) {
        timers.advanceTimeBy(delay - 1)
        assert.equal(client.state, 'waiting', 'no attempt before it is due')
        const failed = next('scheduled')
        timers.advanceTimeBy(1)
        assert.equal(client.state, 'connecting')
        await failed
      }
      await server.up()
      const back = next('connected')
      timers.advanceTimeBy(8000)
      await back
      timers.advanceTimeBy(10_000)
      await Promise.all([next('scheduled'), client.channel?.close()])
      assert.deepEqual(log, [
        'connected',
        'disconnected after 10000',
        'attempt 1 in 500',
        'attempt 2 in 1000',
        'attempt 3 in 2000',
        'attempt 4 in 4000',
        'attempt 5 in 8000',
        'connected',
        'disconnected after 10000',
        'attempt 1 in 500',
      ])
      assert.deepEqual([scheduled[0]?.cause, scheduled[1]?.cause instanceof Error], [undefined, true])
    }),
  )

  test(
    'over TCP too: the server goes and comes back at its port',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const server = new RestartableServer(scope, group, { address: '127.0.0.1', port: 0 })
      const { client, log, next, scheduled } = watched(scope, bootstrapTo(timers, await server.up()))
      client.start()
      await next('connected')
      await Promise.all([server.down(), next('scheduled')])
      const refused = next('scheduled')
      timers.advanceTimeBy(500)
      await refused
      assert.match(String(scheduled[1]?.cause), /ECONNREFUSED/)
      await server.up()
      const back = next('connected')
      timers.advanceTimeBy(1000)
      await back
      await client.stop()
      assert.deepEqual(log, ['connected', 'disconnected after 0', 'attempt 2 in 500', 'attempt 3 in 1000', 'connected', 'disconnected after 0', 'stopped'])
    }),
  )

  test(
    'at once does not begin the delays anew: a server that accepts and closes is not stormed',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const server = new RestartableServer(scope, group, { localId: '' }, (child) => void child.close())
      const { client, log, next } = watched(scope, bootstrapTo(timers, await server.up()), { stableAfterMs: 5000, maxDelayMs: 4000 })
      client.start()
      await next('scheduled')
      for (const delay of [500, 1000, 2000]) {
        const again = next('scheduled')
        timers.advanceTimeBy(delay)
        await again
      }
      assert.deepEqual(log.filter((line) => line.startsWith('attempt')), ['attempt 2 in 500', 'attempt 3 in 1000', 'attempt 4 in 2000', 'attempt 5 in 2000'])
      await client.stop()
    }),
  )

  test(
    'never has two attempts, or an attempt beside a connection',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const server = new RestartableServer(scope, group, { localId: '' })
      const made: Channel[] = []
      const bootstrap = bootstrapTo(timers, await server.up()).channel(() => {
        assert.deepEqual(made.filter((channel) => channel.isOpen), [], 'the one before is open still')
        const channel = new LocalChannel()
        made.push(channel)
        return channel
      })
      const { client, next } = watched(scope, bootstrap)
      client.start().start()
      await next('connected')
      client.start()
      for (let round = 0; round < 3; round++) {
        const lost = next('scheduled')
        client.channel?.close()
        await lost
        client.start()
        const back = next('connected')
        timers.advanceTimeBy(60_000)
        await back
      }
      assert.equal(made.length, 4)
    }),
  )
})

describe('limits', () => {
  test(
    'it fails after maxAttempts in a row, with the last cause, and may be started again',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const { client, log, next } = watched(scope, bootstrapTo(timers, NOWHERE), { maxAttempts: 2 })
      client.start()
      await next('scheduled')
      let error: unknown
      client.once('failed', (thrown) => (error = thrown))
      const failed = next('failed')
      timers.advanceTimeBy(500)
      await failed
      assert.ok(error instanceof ReconnectError && error.code === 'ERR_KNOTTY_RECONNECT' && error.cause instanceof Error)
      assert.deepEqual([client.state, timers.scheduledTasks], ['failed', 0])
      client.start()
      await next('scheduled')
      await client.stop()
      assert.deepEqual(log, ['attempt 2 in 500', 'failed: no stable connection after 2 attempts (maxAttempts)', 'attempt 2 in 500', 'stopped'])
    }),
  )

  test(
    'the budget holds whatever random says, and across stop() and start()',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const { client, log, next } = watched(scope, bootstrapTo(timers, NOWHERE), { random: () => 0, maxAttemptsPerMinute: 3 })
      client.start()
      for (let attempt = 0; attempt < 3; attempt++) {
        await next('scheduled')
        timers.advanceTimeBy(0)
      }
      await client.stop()
      timers.advanceTimeBy(1000)
      client.start()
      assert.deepEqual(log, ['attempt 2 in 0', 'attempt 3 in 0', 'attempt 4 in 60000', 'stopped', 'attempt 1 in 59000'])
      assert.equal(client.state, 'waiting')
    }),
  )

  test(
    'a random that throws ends the client with an error instead of a silent stop',
    leakScope(async (scope) => {
      const timers = new VirtualTimers(scope, scope.group())
      const { client, log, next } = watched(scope, bootstrapTo(timers, NOWHERE), { random: () => 1 })
      client.start()
      await next('failed')
      assert.deepEqual(log, ['failed: the delay of the next attempt could not be computed'])
    }),
  )
})

describe('stop()', () => {
  test(
    'closes the connection; it is idempotent',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const server = new RestartableServer(scope, group, { localId: '' })
      const { client, log, next, channels } = watched(scope, bootstrapTo(timers, await server.up()))
      await client.stop()
      client.start()
      await next('connected')
      const stopping = client.stop()
      assert.equal(client.stop(), stopping)
      await stopping
      await client.stop()
      assert.deepEqual([client.state, client.channel, channels[0]?.isOpen], ['stopped', undefined, false])
      assert.deepEqual(log, ['connected', 'disconnected after 0', 'stopped'])
      assert.equal(timers.scheduledTasks, 0)
    }),
  )

  test(
    'ends an attempt under way, lookup included; start() meanwhile is refused',
    leakScope(async (scope) => {
      const timers = new VirtualTimers(scope, scope.group())
      const bootstrap = bootstrapTo(timers, { address: 'never.example', port: 1 }).resolver(() => new Promise(() => undefined))
      const { client, log } = watched(scope, bootstrap.option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0))
      client.start()
      const stopped = client.stop()
      if (client.state === 'stopping') assert.throws(() => client.start(), IllegalStateError)
      await stopped
      assert.deepEqual([client.state, log], ['stopped', ['stopped']])
    }),
  )

  test(
    'works in the initializer of the channel, while start() still runs',
    leakScope(async (scope) => {
      const group = scope.group()
      let stop = (): void => undefined
      const { client, log } = watched(scope, bootstrapTo(group, NOWHERE).handler(() => stop()))
      stop = () => void client.stop()
      client.start()
      await client.stop()
      assert.deepEqual([client.state, log], ['stopped', ['stopped']])
    }),
  )

  test(
    'ends the wait, and leaves no timer and no listener at the loop',
    leakScope(async (scope) => {
      const timers = new VirtualTimers(scope, scope.group())
      const { terminationFuture } = timers
      const listeners = new Set<unknown>()
      const { addListener, removeListener } = terminationFuture
      terminationFuture.addListener = (listener) => (listeners.add(listener), addListener.call(terminationFuture, listener))
      terminationFuture.removeListener = (listener) => (listeners.delete(listener), removeListener.call(terminationFuture, listener))
      const { client, next } = watched(scope, bootstrapTo(timers, NOWHERE))
      client.start()
      await next('scheduled')
      assert.equal(listeners.size, 1)
      assert.ok(client.stop().isDone)
      assert.deepEqual([client.state, timers.scheduledTasks, listeners.size], ['stopped', 0, 0])
    }),
  )

  test(
    'may be called by a listener of any event',
    leakScope(async (scope) => {
      const group = scope.group()
      for (const event of ['connected', 'disconnected', 'scheduled', 'stopped'] as const) {
        const server = new RestartableServer(scope, group, { localId: '' }, (child) => void child.close())
        const { client, log, next } = watched(scope, bootstrapTo(group, await server.up()), { maxAttempts: 1 })
        client.on(event, () => void client.stop())
        client.start()
        await next(event === 'scheduled' || event === 'stopped' ? 'failed' : 'stopped')
        await client.stop()
        assert.equal(client.state, 'stopped', log.join(', '))
        assert.ok(log.length <= 4, log.join(', '))
      }
    }),
  )

  test(
    'then start(), by a listener, makes one new connection',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const server = new RestartableServer(scope, group, { localId: '' })
      const { client, log, next } = watched(scope, bootstrapTo(timers, await server.up()))
      client.once('disconnected', () => {
        assert.ok(client.stop().isDone)
        client.start()
      })
      client.start()
      await next('connected')
      const again = next('connected')
      client.channel?.close()
      await again
      assert.deepEqual(log, ['connected', 'disconnected after 0', 'stopped', 'connected'])
      assert.equal(timers.scheduledTasks, 0)
    }),
  )

  test(
    'then start(), by a listener and beyond the budget, waits once',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const server = new RestartableServer(scope, group, { localId: '' })
      const { client, log, next } = watched(scope, bootstrapTo(timers, await server.up()), { maxAttemptsPerMinute: 1 })
      client.once('disconnected', () => {
        assert.ok(client.stop().isDone)
        client.start()
      })
      client.start()
      await next('connected')
      await Promise.all([next('scheduled'), client.channel?.close()])
      assert.deepEqual([log, timers.scheduledTasks], [['connected', 'disconnected after 0', 'stopped', 'attempt 1 in 60000'], 1])
    }),
  )

  test(
    'is what await using does',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = new RestartableServer(scope, group, { localId: '' })
      const { client, next } = watched(scope, bootstrapTo(group, await server.up()))
      client.start()
      await next('connected')
      await client[Symbol.asyncDispose]()
      assert.equal(client.state, 'stopped')
    }),
  )
})

describe('the shutdown of its group', () => {
  test(
    'ends it while it is connected',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = new RestartableServer(scope, scope.group(), { localId: '' })
      const { client, log, next } = watched(scope, bootstrapTo(group, await server.up()))
      client.start()
      await next('connected')
      await Promise.all([group.shutdownGracefully({ quietPeriodMs: 0 }), next('stopped')])
      assert.match(log.join(), /^connected,disconnected after [\d.]+,stopped$/)
      assert.throws(() => client.start(), RejectedExecutionError)
    }),
  )

  test(
    'ends it while it waits, although nothing tells its timer',
    leakScope(async (scope) => {
      const group = scope.group()
      const { client, log, next } = watched(scope, bootstrapTo(group, NOWHERE))
      client.start()
      await next('scheduled')
      await Promise.all([group.shutdownGracefully({ quietPeriodMs: 0 }), next('stopped')])
      assert.deepEqual([client.state, log.at(-1)], ['stopped', 'stopped'])
    }),
  )

  test(
    'ends it while it connects',
    leakScope(async (scope) => {
      const group = scope.group()
      const { client, log, next } = watched(scope, bootstrapTo(group, { address: 'never.example', port: 1 }).resolver(() => new Promise(() => undefined)))
      client.start()
      await Promise.all([group.shutdownGracefully({ quietPeriodMs: 0 }), next('stopped')])
      assert.deepEqual([client.state, log], ['stopped', ['stopped']])
    }),
  )

  test(
    'ends it when the group that registers is not the one that keeps the time',
    leakScope(async (scope) => {
      const group = scope.group()
      const timers = new VirtualTimers(scope, group)
      const { client, next, log } = watched(scope, bootstrapTo(timers, NOWHERE))
      client.start()
      await next('scheduled')
      await group.shutdownGracefully({ quietPeriodMs: 0 })
      timers.advanceTimeBy(500)
      assert.deepEqual([client.state, log.at(-1)], ['stopped', 'stopped'])
    }),
  )

  test(
    'the shared group serves a bootstrap without one',
    leakScope(async (scope) => {
      const { client, next } = watched(scope, new Bootstrap().handler(() => undefined).remoteAddress(NOWHERE))
      client.start()
      await next('scheduled')
      await Promise.all([EventLoopGroup.shared().shutdownGracefully({ quietPeriodMs: 0 }), next('stopped')])
      assert.equal(client.state, 'stopped')
    }),
  )
})

test(
  'a listener that throws is logged, and the client goes on',
  leakScope(async (scope) => {
    const warnings: string[] = []
    setLogger({ debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} })
    scope.onEnd(() => setLogger(undefined))
    const timers = new VirtualTimers(scope, scope.group())
    const { client, scheduled } = watched(scope, bootstrapTo(timers, NOWHERE))
    let told = deferred()
    client.on('scheduled', () => {
      told.resolve()
      throw new Error('no')
    })
    client.start()
    await told.promise
    told = deferred()
    timers.advanceTimeBy(500)
    await told.promise
    assert.equal(scheduled.length, 2)
    assert.deepEqual(warnings, Array(2).fill('a listener of a ReconnectingClient threw at "scheduled"'))
  }),
)

test('options out of range, and bootstraps it cannot use again and again, are refused', () => {
  const good = new Bootstrap().handler(() => undefined).remoteAddress(NOWHERE)
  const refused = (bootstrap: Bootstrap, options: ReconnectingClientOptions, message: RegExp): void =>
    assert.throws(
      () => new ReconnectingClient(bootstrap, options),
      (error: Error) => error instanceof IllegalArgumentError && message.test(error.message),
    )
  refused(new Bootstrap().remoteAddress(NOWHERE), {}, /call \.handler\(…\)/)
  refused(new Bootstrap().handler(() => undefined), {}, /call \.remoteAddress\(…\)/)
  refused(good.clone().handler({}), {}, /not sharable/)
  refused({ port: 1 } as never, {}, /new Bootstrap\(\)/)
  refused(good, 500 as never, /options: 500/)
  refused(good, { maxAttempts: 0 }, /maxAttempts: 0/)
  refused(good, { maxAttemptsPerMinute: Infinity }, /maxAttemptsPerMinute: Infinity/)
  refused(good, { stableAfterMs: -1 }, /stableAfterMs: -1/)
  refused(good, { minDelayMs: -1 }, /minDelayMs: -1/)
  assert.equal(inspect(new ReconnectingClient(good)), `ReconnectingClient(stopped, local:${NOWHERE.localId})`)
  const noTimers = new ReconnectingClient(good.clone().group({ register: () => assert.fail('registered') }))
  assert.throws(() => noTimers.start(), /its group has no timers/)
})
