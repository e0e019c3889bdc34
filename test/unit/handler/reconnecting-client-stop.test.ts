import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalStateError, RejectedExecutionError } from '@knotty/common'
import { Bootstrap, ChannelOption, EventLoopGroup } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'
import { bootstrapTo, RestartableServer, VirtualTimers, watched } from './reconnect-support.js'

const NOWHERE = { localId: 'reconnect: nobody listens here' }

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
