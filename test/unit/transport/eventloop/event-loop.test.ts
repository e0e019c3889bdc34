import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { IllegalArgumentError, RejectedExecutionError, UnsupportedOperationError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import { EventLoopGroup } from '@knotty/transport'
import { leakScope } from '../../../support/leak-scope.js'
import { deferred } from '../../../support/tcp.js'
import { recordLogs } from '../channel/recorded-logs.js'

function isError(type: abstract new (...args: never[]) => Error, message: RegExp): (error: Error) => boolean {
  return (error) => error instanceof type && message.test(error.message)
}

describe('tasks of an event loop', () => {
  test(
    'run in the order they came, never inside execute(), those posted meanwhile at the end',
    leakScope(async (scope) => {
      const group = scope.group()
      const order: number[] = []
      const done = deferred()
      group.execute(() => {
        order.push(1)
        group.execute(() => {
          order.push(4)
          done.resolve()
        })
        order.push(2)
      })
      group.execute(() => order.push(3))
      assert.deepEqual(order, [])
      await done.promise
      assert.deepEqual(order, [1, 2, 3, 4])
    }),
  )

  test(
    'give way to timers and I/O when their time is used up, and go on afterwards',
    leakScope(async (scope) => {
      const group = scope.group({ taskBudgetMs: 1 })
      let runs = 0
      let timerAt: number | undefined
      const timer = deferred()
      const again = (): void => {
        if (++runs === 1) setTimeout(() => (timerAt = runs), 5) // here: on a busy machine it could be over before the first run
        if (timerAt === undefined || runs < timerAt + 1000) group.execute(again)
        else timer.resolve()
      }
      group.execute(again)
      await timer.promise
      assert.ok((timerAt as number) > 0)
    }),
  )

  test('that throw are logged, and the next one runs', async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const done = deferred()
      group.execute(() => {
        throw new Error('boom')
      })
      group.execute(() => done.resolve())
      await done.promise
    })()
    assert.deepEqual(logs.map((line) => [line.level, (line.error as Error).message]), [['error', 'boom']])
  })

  test(
    'must be functions',
    leakScope(async (scope) => {
      assert.throws(() => scope.group().execute(undefined as never), IllegalArgumentError)
    }),
  )
})

describe('timers of an event loop', () => {
  test(
    'run in the order they are due, once',
    leakScope(async (scope) => {
      const group = scope.group()
      const order: string[] = []
      const done = deferred()
      group.schedule(() => done.resolve(), 40)
      group.schedule(() => order.push('late'), 20)
      const early = group.schedule(() => order.push('early'), 1)
      assert.deepEqual([early.isDone, early.isCancelled], [false, false])
      await done.promise
      assert.deepEqual(order, ['early', 'late'])
      assert.deepEqual([early.isDone, early.isCancelled, early.cancel()], [true, false, false])
    }),
  )

  test(
    'that are cancelled do not run',
    leakScope(async (scope) => {
      const group = scope.group()
      const done = deferred()
      const task = group.schedule(() => assert.fail('it ran'), 5)
      assert.equal(task.cancel(), true)
      assert.equal(task.cancel(), false)
      assert.deepEqual([task.isDone, task.isCancelled], [true, true])
      group.schedule(() => done.resolve(), 15)
      await done.promise
    }),
  )

  test(
    'that are coarse may be objects, in the context of the caller too',
    leakScope(async (scope) => {
      const group = scope.group()
      const keepAlive = group.schedule(() => undefined, 60_000)
      for (const options of [{}, { context: true }]) {
        const done = deferred()
        const task = {
          runs: 0,
          run() {
            this.runs++
            done.resolve()
          },
        }
        group.scheduleCoarse(task, 1, options)
        await done.promise
        assert.equal(task.runs, 1)
      }
      keepAlive.cancel()
      for (const bad of [{}, { run: 1 }, null]) assert.throws(() => group.scheduleCoarse(bad as () => void, 1), IllegalArgumentError)
    }),
  )

  test(
    'that are coarse come through the wheel from ten ticks on, in the order of their ticks, and never early',
    leakScope(async (scope) => {
      const group = scope.group({ wheelTickMs: 2 })
      const order: number[] = []
      const done = deferred()
      const keepAlive = group.schedule(() => undefined, 60_000) // coarse timers do not
      const start = performance.now()
      const tasks = [60, 20, 40].map((delayMs) =>
        group.scheduleCoarse(() => {
          assert.ok(performance.now() - start >= delayMs)
          if (order.push(delayMs) === 3) done.resolve()
        }, delayMs),
      )
      await done.promise
      keepAlive.cancel()
      assert.deepEqual(order, [20, 40, 60])
      for (const task of tasks) assert.deepEqual([task.isDone, task.isCancelled, task.cancel()], [true, false, false])
    }),
  )

  test('that are coarse are cancelled by a shutdown', async () => {
    const group = new EventLoopGroup()
    const tasks = [10, 60_000].map((delayMs) => group.scheduleCoarse(() => assert.fail('it ran'), delayMs))
    const ended = group.shutdownGracefully({ quietPeriodMs: 20 })
    for (const task of tasks) assert.equal(task.isCancelled, true)
    tasks.push(group.scheduleCoarse(() => assert.fail('it ran'), 60_000)) // taken until the end, as before
    await ended
    assert.equal(tasks[2]?.isCancelled, true)
  })

  test(
    'at a fixed rate are due at multiples of the period, however late one ran',
    leakScope(async (scope) => {
      const group = scope.group()
      const deadlines: number[] = []
      const done = deferred()
      const task = group.scheduleAtFixedRate(
        () => {
          deadlines.push(task.deadline)
          if (deadlines.length === 2) for (const end = performance.now() + 15; performance.now() < end; );
          if (deadlines.length === 6) {
            task.cancel()
            done.resolve()
          }
        },
        1,
        4,
      )
      await done.promise
      const first = deadlines[0] as number
      for (const [index, deadline] of deadlines.entries()) assert.ok(Math.abs(deadline - first - 4 * index) < 1e-6)
      const later = deferred()
      group.schedule(() => later.resolve(), 12) // behind the next two periods
      await later.promise
      assert.equal(deadlines.length, 6)
    }),
  )

  test(
    'with a fixed delay are due that long after the end of the run before',
    leakScope(async (scope) => {
      const group = scope.group()
      const ends: number[] = []
      const gaps: number[] = []
      const done = deferred()
      const task = group.scheduleWithFixedDelay(
        () => {
          const end = ends.at(-1)
          if (end !== undefined) gaps.push(task.deadline - end)
          for (const until = performance.now() + 6; performance.now() < until; );
          ends.push(performance.now())
          if (ends.length === 4) {
            task.cancel()
            done.resolve()
          }
        },
        0,
        3,
      )
      await done.promise
      for (const gap of gaps) assert.ok(gap >= 3, `${gap} ms after the end`)
    }),
  )

  test('that throw are logged, and a periodic one goes on', async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      let runs = 0
      const task = group.scheduleAtFixedRate(
        () => {
          runs++
          throw new Error('boom')
        },
        0,
        1,
      )
      await eventually(() => assert.ok(runs >= 3))
      task.cancel()
    })()
    assert.ok(logs.length >= 3)
  })

  test(
    'refuse delays that no timer can hold',
    leakScope(async (scope) => {
      const group = scope.group()
      for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5' as never, undefined as never]) {
        assert.throws(() => group.schedule(() => undefined, bad), IllegalArgumentError)
        assert.throws(() => group.scheduleCoarse(() => undefined, bad), IllegalArgumentError)
        assert.throws(() => group.scheduleAtFixedRate(() => undefined, 0, bad), IllegalArgumentError)
        assert.throws(() => group.scheduleWithFixedDelay(() => undefined, bad, 1), IllegalArgumentError)
      }
      assert.throws(() => group.scheduleCoarse(() => undefined, 1, { partOfMs: -1 }), IllegalArgumentError)
    }),
  )
})

describe('AsyncLocalStorage', () => {
  test(
    'is carried by tasks and timers when asked with { context: true }, and not otherwise',
    leakScope(async (scope) => {
      const group = scope.group()
      const storage = new AsyncLocalStorage<string>()
      const seen: Record<string, string | undefined> = {}
      const waits: Promise<void>[] = []
      const note = (name: string): (() => void) => {
        const done = deferred()
        waits.push(done.promise)
        return () => {
          seen[name] = storage.getStore()
          done.resolve()
        }
      }
      storage.run('store', () => {
        group.execute(note('task'))
        group.execute(note('task with context'), { context: true })
        group.schedule(note('timer'), 1)
        group.schedule(note('timer with context'), 1, { context: true })
        group.scheduleCoarse(note('coarse'), 1)
        group.scheduleCoarse(note('coarse with context'), 1, { context: true })
        const rate = group.scheduleAtFixedRate(() => rate.cancel() && period(), 1, 1, { context: true })
        const period = note('period with context')
      })
      const keepAlive = group.schedule(() => undefined, 60_000) // coarse timers do not
      await Promise.all(waits)
      keepAlive.cancel()
      assert.deepEqual(seen, {
        task: undefined,
        'task with context': 'store',
        timer: undefined,
        'timer with context': 'store',
        coarse: undefined,
        'coarse with context': 'store',
        'period with context': 'store',
      })
    }),
  )
})

describe('new EventLoopGroup()', () => {
  test('refuses more than one loop by name', () => {
    for (const loops of [2, 0, -1, 1.5, '1' as never]) {
      assert.throws(() => new EventLoopGroup({ loops }), isError(UnsupportedOperationError, /loops/))
    }
    assert.ok(new EventLoopGroup({ loops: 1 }))
  })

  test('checks its options', () => {
    for (const bytes of [0, 1023, -1, 1.5, 2 ** 31, Number.NaN, '4096' as never]) {
      assert.throws(() => new EventLoopGroup({ readSlabBytes: bytes }), isError(IllegalArgumentError, /readSlabBytes/))
      assert.throws(() => new EventLoopGroup({ writeSlabBytes: bytes }), isError(IllegalArgumentError, /writeSlabBytes/))
    }
    for (const ms of [-1, Number.NaN, 2 ** 31]) assert.throws(() => new EventLoopGroup({ taskBudgetMs: ms }), IllegalArgumentError)
    for (const ms of [0, 0.5, -1, 60_001, Number.NaN, '100' as never]) {
      assert.throws(() => new EventLoopGroup({ wheelTickMs: ms }), isError(IllegalArgumentError, /wheelTickMs: .*1 to 60000/))
    }
    assert.ok(new EventLoopGroup({ wheelTickMs: 1 }))
    const ticker = { now: () => 0 } as never
    assert.throws(() => new EventLoopGroup({ ticker }), isError(IllegalArgumentError, /ticker\.scheduleCoarse: undefined \(expected: a function/))
    assert.ok(new EventLoopGroup({ readSlabBytes: 1024, writeSlabBytes: 1024, taskBudgetMs: 0 }))
  })

  test('gives one shared group to those who name none, until that is shut down', async () => {
    const shared = EventLoopGroup.shared()
    assert.equal(EventLoopGroup.shared(), shared)
    await shared.shutdownGracefully({ quietPeriodMs: 0 })
    assert.notEqual(EventLoopGroup.shared(), shared)
    await EventLoopGroup.shared().shutdownGracefully({ quietPeriodMs: 0 })
  })

  test('whose loop has ended refuses tasks and timers', async () => {
    const group = new EventLoopGroup()
    await group.shutdownGracefully({ quietPeriodMs: 0 })
    assert.throws(() => group.execute(() => undefined), RejectedExecutionError)
    assert.throws(() => group.schedule(() => undefined, 1), RejectedExecutionError)
    for (const delayMs of [1, 60_000]) assert.throws(() => group.scheduleCoarse(() => undefined, delayMs), RejectedExecutionError)
    assert.throws(() => group.scheduleAtFixedRate(() => undefined, 1, 1), RejectedExecutionError)
  })
})
