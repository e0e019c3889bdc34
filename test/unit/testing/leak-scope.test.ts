import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { DefaultPromise } from '@knotty/common'
import { type LeakCheck, LeakError, leakScope as publishedLeakScope, ManualTicker } from '@knotty/testing'
import { EventLoopGroup, ServerBootstrap, type ServerChannel } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'

const DEADLINE_MS = 60

describe('the leak scope fails a test that leaves', () => {
  test('a socket', async () => {
    let server: net.Server | undefined
    const left = leakScope(async () => {
      server = net.createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
    }, DEADLINE_MS)
    await assert.rejects(left, /sockets are left open/)
    server?.close()
  })

  test('a channel', async () => {
    let channel: ServerChannel | undefined
    let group: EventLoopGroup | undefined
    const left = leakScope(async (scope) => {
      group = scope.group()
      channel = await new ServerBootstrap().group(group).childHandler(() => undefined).bind({ localId: '' })
    }, DEADLINE_MS)
    await assert.rejects(left, /channels are left open/)
    await channel?.close()
    await group?.shutdownGracefully({ quietPeriodMs: 0 })
  })

  test('a timer of a loop, also one that does not keep the process alive', async () => {
    for (const kind of ['schedule', 'scheduleCoarse'] as const) {
      let group: EventLoopGroup | undefined
      const left = leakScope(async (scope) => {
        group = scope.group()
        group[kind](() => undefined, 60_000)
      }, DEADLINE_MS)
      await assert.rejects(left, /timers of the loop are left/)
      await group?.shutdownGracefully({ quietPeriodMs: 0 })
    }
  })

  test('a timer of a manual ticker', async () => {
    const ticker = new ManualTicker()
    const left = leakScope(async (scope) => void scope.group({ ticker }).scheduleCoarse(() => undefined, 60_000), DEADLINE_MS)
    await assert.rejects(left, /timers of the manual ticker are left: 1/)
  })

  test('a timer of Node', async () => {
    let timer: NodeJS.Timeout | undefined
    const left = leakScope(async () => {
      timer = setTimeout(() => undefined, 60_000)
    }, DEADLINE_MS)
    await assert.rejects(left, /timers, handles or requests are left/)
    clearTimeout(timer)
  })

  test('a future that somebody waits for', async () => {
    const promise = new DefaultPromise<void>()
    const left = leakScope(async () => void promise.addListener(() => undefined), DEADLINE_MS)
    await assert.rejects(left, /futures that somebody waits for are left pending/)
    promise.setSuccess()
  })

  test(
    'nothing',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await new ServerBootstrap().group(group).childHandler(() => undefined).bind(0, '127.0.0.1')
      await server.close()
    }),
  )

  test('what a check of the test itself finds; it is started before the body and ended behind it', async () => {
    const calls: string[] = []
    let left = ['one']
    const check = {
      name: 'things are left',
      start: () => void calls.push('start'),
      left: () => left,
      end: () => void calls.push('end'),
    }
    const body = publishedLeakScope(async () => void calls.push('body'), { deadlineMs: DEADLINE_MS, checks: [check] })
    await assert.rejects(body, (error: unknown) => {
      assert.ok(error instanceof LeakError)
      assert.equal(error.code, 'ERR_KNOTTY_LEAK')
      assert.equal(error.message, 'things are left: one')
      assert.deepEqual(error.left, ['one'])
      return true
    })
    assert.deepEqual(calls.splice(0), ['start', 'body', 'end'])
    left = []
    await body()
    assert.deepEqual(calls, ['start', 'body', 'end'])
  })
})

describe('the leak scope', () => {
  test('ends each check that it started, tells the error of the body rather than theirs, and shuts its groups down first', async () => {
    const calls: string[] = []
    const check = (name: string, startThrows = false): LeakCheck => ({
      name,
      start() {
        calls.push(`start ${name}`)
        if (startThrows) throw new Error(`start ${name}`)
      },
      left: () => [],
      end() {
        calls.push(`end ${name}`)
        throw new Error(`end ${name}`)
      },
    })
    let group: EventLoopGroup | undefined
    const failing = publishedLeakScope(
      async (scope) => {
        group = scope.group()
        throw new Error('the body')
      },
      { checks: [check('a'), check('b')] },
    )
    await assert.rejects(failing, /the body/)
    assert.deepEqual([calls.splice(0), group?.isTerminated], [['start a', 'start b', 'end b', 'end a'], true])
    await assert.rejects(publishedLeakScope(async () => undefined, { checks: [check('a')] }), /end a/)
    calls.length = 0
    await assert.rejects(publishedLeakScope(async () => undefined, { checks: [check('a'), check('b', true), check('c')] }), /start b/)
    assert.deepEqual(calls, ['start a', 'start b', 'end b', 'end a'])
  })

  test('closes last one first, also when the body fails, whose error is told and not those of what it leaves', async () => {
    const closed: number[] = []
    let group: EventLoopGroup | undefined
    const failing = publishedLeakScope(async (scope) => {
      group = scope.group()
      await new ServerBootstrap().group(group).childHandler(() => undefined).bind({ localId: '' })
      scope.onEnd(() => closed.push(1))
      scope.onEnd(() => Promise.reject(new Error('the closing')))
      scope.onEnd(() => closed.push(2))
      throw new Error('the body')
    })
    await assert.rejects(failing, /the body/)
    assert.deepEqual(closed, [2, 1])
    assert.deepEqual([group?.isTerminated, group?.next().channelCount], [true, 0])
  })

  test('takes no notice of what was there before and goes away', async () => {
    const timer = setTimeout(() => undefined, 60_000)
    await publishedLeakScope(async () => clearTimeout(timer))()
  })

  test('fails with what cannot be closed', async () => {
    const failing = publishedLeakScope(async (scope) => scope.onEnd(() => Promise.reject(new Error('the closing'))))
    await assert.rejects(failing, /the closing/)
  })

  test('shuts its groups down', async () => {
    let group: EventLoopGroup | undefined
    await publishedLeakScope(async (scope) => void (group = scope.group()))()
    assert.equal(group?.isTerminated, true)
  })
})
