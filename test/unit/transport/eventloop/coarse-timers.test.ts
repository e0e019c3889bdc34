import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, type TestContext, test } from 'node:test'
import { CoarseTimers } from '../../../../../packages/transport/dist/eventloop/coarse-timers.js'
import { FakeTimers } from '../../../support/fake-timers.js'
import { recordLogs } from '../channel/recorded-logs.js'

/** Coarse timers on a clock of the test's; what they post runs when the test says so. */
class Bench {
  now = 1000
  readonly posted: (() => void)[] = []
  readonly log: string[] = []
  readonly timers: CoarseTimers
  readonly fakes: FakeTimers

  constructor(t: TestContext, tickMs = 100, budgetMs = 5) {
    this.fakes = new FakeTimers(t)
    this.timers = new CoarseTimers({ ticker: { now: () => this.now }, later: (task) => this.posted.push(task), tickMs, budgetMs })
  }

  note(name: string): () => void {
    return () => void this.log.push(`${name} at ${this.now}`)
  }

  /** Timers phases, each followed by a poll phase in which nothing happens. */
  advance(ms: number, stepMs = 10): void {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.now += stepMs
      this.fakes.tick(stepMs)
      this.poll()
    }
  }

  /** The loop is blocked; then one timers phase. */
  block(ms: number): void {
    this.now += ms
    this.fakes.tick(ms)
  }

  poll(): void {
    for (const task of this.posted.splice(0)) task()
  }

  get pending(): number {
    return [...this.timers].length
  }
}

describe('coarse timers', () => {
  test('are at most a tick late and never early; below ten ticks exact', (t) => {
    const bench = new Bench(t)
    for (const delayMs of [0, 250, 990, 1000, 1010, 60_000]) bench.timers.schedule(bench.note(String(delayMs)), delayMs)
    assert.equal(bench.pending, 6)
    bench.advance(61_000)
    assert.deepEqual(bench.log, ['0 at 1010', '250 at 1250', '990 at 1990', '1000 at 2000', '1010 at 2100', '60000 at 61000'])
    assert.equal(bench.pending, 0)
  })

  test('of a short delay that is part of a long one are in the wheel too: a tick late, and no timer of Node each', (t) => {
    const bench = new Bench(t)
    bench.timers.schedule(bench.note('part of 1000'), 250, 1000)
    bench.timers.schedule(bench.note('rest of 1000'), 0, 1000)
    assert.deepEqual(bench.fakes.made.map((timer) => timer.periodMs), [100])
    bench.timers.schedule(bench.note('part of 999'), 250, 999)
    assert.equal(bench.fakes.made.length, 2)
    bench.advance(400)
    assert.deepEqual(bench.log, ['rest of 1000 at 1100', 'part of 999 at 1250', 'part of 1000 at 1300'])
    bench.timers.cancelAll()
  })

  test('of a short delay wait again when the timer of Node was early', (t) => {
    const bench = new Bench(t)
    bench.timers.schedule(bench.note('a'), 50)
    bench.fakes.tick(50) // and our clock says that no time has passed
    bench.poll()
    assert.deepEqual(bench.log, [])
    bench.advance(50)
    assert.deepEqual(bench.log, ['a at 1050'])
  })

  test('are nothing once cancelled: in the wheel, short, or due already', (t) => {
    const bench = new Bench(t)
    const { timers } = bench
    const inWheel = timers.schedule(bench.note('wheel'), 1000)
    const short = timers.schedule(bench.note('short'), 500)
    assert.deepEqual([inWheel.cancel(), short.cancel(), inWheel.cancel(), bench.pending], [true, true, false, 0])
    const due = [timers.schedule(bench.note('due'), 1000), timers.schedule(bench.note('short due'), 950)]
    bench.block(1100)
    assert.deepEqual([bench.posted.length, bench.pending], [1, 2])
    for (const task of due) assert.deepEqual([task.isDone, task.cancel(), task.isCancelled], [false, true, true])
    bench.poll()
    assert.deepEqual([bench.log, bench.pending], [[], 0])
  })

  test('may be armed again from inside a task', (t) => {
    const bench = new Bench(t)
    let runs = 0
    const again = (): void => {
      bench.note('run')()
      if (++runs < 4) bench.timers.schedule(again, runs === 2 ? 50 : 1000)
    }
    bench.timers.schedule(again, 1000)
    bench.advance(5000)
    assert.deepEqual(bench.log, ['run at 2000', 'run at 3000', 'run at 3050', 'run at 4100'])
  })

  test('may cancel each other from inside a task', (t) => {
    const bench = new Bench(t)
    const first = bench.timers.schedule(() => assert.equal(second.cancel(), true), 1000)
    const second = bench.timers.schedule(() => assert.fail('it ran'), 1000)
    bench.advance(1500)
    assert.deepEqual([first.isDone, first.isCancelled, second.isCancelled, bench.pending], [true, false, true, 0])
  })

  test('that throw are logged, and the next one runs', (t) => {
    const logs = recordLogs(t)
    const bench = new Bench(t)
    bench.timers.schedule(() => {
      throw new Error('boom')
    }, 1000)
    bench.timers.schedule(bench.note('next'), 1000)
    bench.advance(1000)
    assert.deepEqual([bench.log, logs.map((line) => (line.error as Error).message)], [['next at 2000'], ['boom']])
  })

  test('turn the wheel by one interval, which runs only while something waits, and keep no process alive', (t) => {
    const bench = new Bench(t)
    const { made } = bench.fakes
    const tasks = Array.from({ length: 100 }, (_, index) => bench.timers.schedule(bench.note('no'), 1000 + index))
    assert.deepEqual(made.map((timer) => [timer.periodMs, timer.isUnref]), [[100, true]])
    for (const task of tasks) task.cancel()
    bench.timers.schedule(bench.note('last'), 1000)
    assert.equal(made.length, 1)
    bench.advance(1200)
    assert.deepEqual(bench.log, ['last at 2000'])
    assert.equal((bench.timers as unknown as { interval: unknown }).interval, undefined)
    bench.advance(77_770) // rests, and still knows the time afterwards
    bench.timers.schedule(bench.note('afterwards'), 1000)
    assert.equal(made.length, 2)
    bench.advance(1100)
    assert.equal(bench.log[1], 'afterwards at 80970')
    bench.timers.cancelAll()
    assert.equal((bench.timers as unknown as { interval: unknown }).interval, undefined)
  })

  test('expire only behind a poll phase, which may cancel them', (t) => {
    const bench = new Bench(t)
    const { timers } = bench
    const read = timers.schedule(() => assert.fail('its bytes were there'), 1000)
    const short = timers.schedule(() => assert.fail('its bytes were there'), 300)
    timers.schedule(bench.note('silent'), 1000)
    timers.schedule(bench.note('silent short'), 300)
    bench.block(5000)
    assert.deepEqual(bench.log, [])
    for (const task of [read, short]) task.cancel() // the poll phase brings the bytes
    bench.poll()
    assert.deepEqual(bench.log.sort(), ['silent at 6000', 'silent short at 6000'])
  })

  test('wait for one more poll phase, and only one, when the poll phase took longer than two ticks', (t) => {
    const bench = new Bench(t)
    bench.timers.schedule(bench.note('wheel'), 1000)
    bench.timers.schedule(bench.note('short'), 950)
    bench.block(1000)
    bench.now += 5000
    bench.poll()
    assert.deepEqual([bench.log, bench.posted.length], [[], 1])
    bench.now += 5000
    bench.poll()
    assert.deepEqual(bench.log.sort(), ['short at 12000', 'wheel at 12000'])
  })

  test('give sockets a turn when their time is used up, and then go on', (t) => {
    const bench = new Bench(t)
    let runs = 0
    for (let index = 0; index < 200; index++) {
      bench.timers.schedule(() => {
        runs++
        bench.now++
      }, 1000)
    }
    bench.block(1000)
    bench.poll()
    assert.equal(runs, 64)
    bench.poll()
    bench.poll()
    bench.poll()
    assert.deepEqual([runs, bench.posted.length], [200, 0])
  })

  test('are all cancelled by cancelAll(), also what is due', (t) => {
    const bench = new Bench(t)
    for (const delayMs of [1, 500, 1000, 100_000]) bench.timers.schedule(bench.note('no'), delayMs)
    bench.block(1000)
    assert.equal(bench.pending, 4)
    bench.timers.cancelAll()
    assert.equal(bench.pending, 0)
    bench.advance(200_000, 100)
    assert.deepEqual(bench.log, [])
  })

  test('carry no AsyncLocalStorage store into the timers of Node', (t) => {
    const bench = new Bench(t)
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    bench.fakes.onNew = () => seen.push(storage.getStore())
    storage.run('store', () => {
      bench.timers.schedule(() => undefined, 10)
      bench.timers.schedule(() => undefined, 1000)
    })
    assert.deepEqual(seen, [undefined, undefined])
    bench.timers.cancelAll()
  })
})
