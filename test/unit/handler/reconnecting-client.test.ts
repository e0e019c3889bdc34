import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { IllegalArgumentError, setLogger } from '@knotty/common'
import { ReconnectError, ReconnectingClient, type ReconnectingClientOptions } from '@knotty/handler'
import { Bootstrap, type Channel, LocalChannel } from '@knotty/transport'
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
