import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EmbeddedChannel, EmbeddedEventLoop } from '@knotty/transport'
import { messagesOf, recordLogs } from '../channel/recorded-logs.js'

/** A loop with a stopped clock, and a log of tasks with the time they ran at. */
function frozenLoop(): { loop: EmbeddedEventLoop; log: unknown[]; note: (name: string) => () => void } {
  const loop = new EmbeddedEventLoop()
  loop.freezeTime()
  const start = loop.ticker.now()
  const log: unknown[] = []
  return { loop, log, note: (name) => () => void log.push([name, loop.ticker.now() - start]) }
}

describe('virtual time', () => {
  test('each task runs with the clock at its own deadline', () => {
    const { loop, log, note } = frozenLoop()
    loop.schedule(note('c'), 30)
    loop.schedule(note('a'), 10)
    loop.schedule(note('b'), 20)
    loop.advanceTimeBy(25)
    assert.deepEqual(log, [['a', 10], ['b', 20]])
    loop.advanceTimeBy(5)
    assert.deepEqual(log[2], ['c', 30])
  })

  test('ties run in the order of scheduling', () => {
    const { loop, log, note } = frozenLoop()
    loop.schedule(note('a'), 10)
    loop.advanceTimeBy(5)
    loop.schedule(note('b'), 5)
    loop.advanceTimeBy(5)
    assert.deepEqual(log, [['a', 10], ['b', 10]])
  })

  test('a task that a task schedules within the advance runs in it too', () => {
    const { loop, log, note } = frozenLoop()
    loop.schedule(() => void loop.schedule(note('inner'), 10), 10)
    loop.advanceTimeBy(20)
    assert.deepEqual(log, [['inner', 20]])
  })

  test('tasks that a timer posts run at the time of that timer', () => {
    const { loop, log, note } = frozenLoop()
    loop.schedule(() => loop.execute(note('posted')), 10)
    loop.advanceTimeBy(50)
    assert.deepEqual(log, [['posted', 10]])
  })

  test('scheduleCoarse is exact here', () => {
    const { loop, log, note } = frozenLoop()
    loop.scheduleCoarse(note('a'), 1234)
    loop.advanceTimeBy(1233)
    assert.deepEqual(log, [])
    loop.advanceTimeBy(1)
    assert.deepEqual(log, [['a', 1234]])
  })

  test('scheduleAtFixedRate runs at the times it was due, scheduleWithFixedDelay counts from the end of the run before', () => {
    const { loop, log, note } = frozenLoop()
    loop.scheduleAtFixedRate(note('rate'), 10, 20)
    loop.scheduleWithFixedDelay(note('delay'), 5, 30)
    loop.advanceTimeBy(70)
    assert.deepEqual(log, [['delay', 5], ['rate', 10], ['rate', 30], ['delay', 35], ['rate', 50], ['delay', 65], ['rate', 70]])
  })

  test('a repeated task that throws is logged and runs again', (t) => {
    const logs = recordLogs(t)
    const { loop } = frozenLoop()
    loop.scheduleAtFixedRate(() => {
      throw new Error('no')
    }, 0, 10)
    loop.advanceTimeBy(20)
    assert.equal(messagesOf(logs, 'error').length, 3)
  })

  test('a period of 0 does not stop time', () => {
    const { loop, log, note } = frozenLoop()
    loop.scheduleAtFixedRate(note('a'), 0, 0)
    loop.advanceTimeBy(2)
    assert.deepEqual(log, [['a', 0], ['a', 1], ['a', 2]])
  })

  test('it moves only when frozen', () => {
    assert.throws(() => new EmbeddedEventLoop().advanceTimeBy(1), { name: 'IllegalStateError', message: 'freezeTime() first' })
    const { loop } = frozenLoop()
    assert.throws(() => loop.advanceTimeBy(-1), { name: 'IllegalArgumentError', message: /^durationMs: -1 / })
  })

  test('unfreezeTime goes on from where the clock stands', () => {
    const { loop } = frozenLoop()
    const start = loop.ticker.now()
    loop.advanceTimeBy(3_600_000)
    loop.unfreezeTime()
    const moved = loop.ticker.now() - start
    assert.ok(moved >= 3_600_000 && moved < 3_660_000, `${moved}`)
  })
})

describe('a scheduled task', () => {
  test('that was cancelled does not run', () => {
    const { loop, log, note } = frozenLoop()
    const task = loop.schedule(note('a'), 10)
    assert.deepEqual([task.isDone, task.isCancelled, loop.scheduledTasks], [false, false, 1])
    assert.equal(task.cancel(), true)
    assert.equal(task.cancel(), false)
    assert.deepEqual([task.isDone, task.isCancelled, loop.scheduledTasks], [true, true, 0])
    loop.advanceTimeBy(10)
    assert.deepEqual(log, [])
  })

  test('that has run is done, and cannot be cancelled', () => {
    const { loop } = frozenLoop()
    const task = loop.schedule(() => undefined, 10)
    assert.equal(task.deadline - loop.ticker.now(), 10)
    loop.advanceTimeBy(10)
    assert.deepEqual([task.isDone, task.isCancelled, task.cancel()], [true, false, false])
  })

  test('a repeated one can be cancelled from inside itself', () => {
    const { loop } = frozenLoop()
    let runs = 0
    const task = loop.scheduleAtFixedRate(() => {
      if (++runs === 2) task.cancel()
    }, 0, 10)
    loop.advanceTimeBy(100)
    assert.equal(runs, 2)
  })

  test('that is due is run by runScheduledTasks, which says how long until the next', () => {
    const { loop, log, note } = frozenLoop()
    assert.equal(loop.runScheduledTasks(), -1)
    loop.schedule(note('a'), 0)
    loop.schedule(note('b'), 7)
    assert.equal(loop.runScheduledTasks(), 7)
    assert.deepEqual(log, [['a', 0]])
  })

  test('takes no delay that is none', () => {
    const { loop } = frozenLoop()
    for (const delayMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      assert.throws(() => loop.schedule(() => undefined, delayMs), { name: 'IllegalArgumentError' })
    }
  })
})

describe('tasks', () => {
  test('run in order, those they post after them, and one that throws is logged', (t) => {
    const logs = recordLogs(t)
    const loop = new EmbeddedEventLoop()
    const log: string[] = []
    loop.execute(() => {
      log.push('a')
      loop.execute(() => log.push('c'))
    })
    loop.execute(() => {
      throw new Error('no')
    })
    loop.execute(() => log.push('b'))
    loop.runTasks()
    assert.deepEqual(log, ['a', 'b', 'c'])
    assert.equal(messagesOf(logs, 'error').length, 1)
  })
})

describe('shutdown', () => {
  test('cancels timers, runs what waits, and refuses registrations', () => {
    const { loop, log, note } = frozenLoop()
    loop.schedule(note('timer'), 10)
    loop.execute(() => log.push('task'))
    assert.equal(loop.shutdownGracefully(), loop.terminationFuture)
    assert.deepEqual([log, loop.isShuttingDown, loop.isTerminated, loop.scheduledTasks], [['task'], true, true, 0])
    const channel = EmbeddedChannel.with({ register: false })
    assert.equal(loop.register(channel).cause?.name, 'RejectedExecutionError')
    assert.equal(channel.isOpen, false)
  })
})
