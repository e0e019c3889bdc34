import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { array, assert as assertProperty, constant, constantFrom, double, nat, oneof, property, record } from 'fast-check'
import { CoarseTask, Link } from '../../../../../packages/transport/dist/eventloop/coarse-task.js'
import { HashedWheel } from '../../../../../packages/transport/dist/eventloop/hashed-wheel.js'

/** A round of a wheel is so many ticks. */
const BUCKETS = 512
const NOBODY = { taskCancelled: (): void => {} }

function taskAt(deadline: number): CoarseTask {
  return new CoarseTask(NOBODY, () => undefined, deadline)
}

function take(wheel: HashedWheel, now: number): CoarseTask[] {
  const due = new Link()
  wheel.advance(now, due)
  const tasks = [...due.tasks()]
  for (const task of tasks) task.unlink()
  return tasks
}

describe('a hashed wheel', () => {
  test('gives a task out at or behind its deadline, never before, wherever in a tick it is turned', () => {
    const wheel = new HashedWheel(100, 1000)
    const task = taskAt(1250)
    wheel.add(task)
    assert.deepEqual(take(wheel, 1200), [])
    assert.deepEqual(take(wheel, 1249), [])
    assert.deepEqual(take(wheel, 1250), [task])
    assert.deepEqual(take(wheel, 100_000), [])
  })

  test('leaves a task of a later round where it is, however many rounds', () => {
    const wheel = new HashedWheel(10, 0)
    const near = taskAt(50)
    const far = taskAt(50 + 3 * BUCKETS * 10)
    wheel.add(far)
    wheel.add(near)
    const taken: [number, CoarseTask][] = []
    for (let now = 0; now <= 4 * BUCKETS * 10; now += 10) for (const task of take(wheel, now)) taken.push([now, task])
    assert.deepEqual(taken, [[50, near], [far.deadline, far]])
  })

  test('that was not turned for almost a round gives out those of an earlier tick first', () => {
    const wheel = new HashedWheel(10, 0)
    take(wheel, 300 * 10)
    const tasks = Array.from({ length: BUCKETS - 1 }, (_, index) => taskAt((301 + index) * 10 + 5))
    for (const task of [...tasks].reverse()) wheel.add(task)
    assert.deepEqual(take(wheel, (300 + BUCKETS) * 10).map((task) => task.deadline), tasks.map((task) => task.deadline))
  })

  test('that was not turned for many rounds gives out what is due, and each once', () => {
    const wheel = new HashedWheel(10, 0)
    const tasks = Array.from({ length: 2000 }, (_, index) => taskAt(index * 10 + 5))
    for (const task of tasks) wheel.add(task)
    const taken = take(wheel, 15_000)
    assert.equal(taken.length, 1500)
    assert.deepEqual(new Set(taken), new Set(tasks.slice(0, 1500)))
    assert.equal(take(wheel, 19_990).length, 499)
    assert.equal(take(wheel, 20_000).length, 1)
  })

  test('takes a task whose deadline has passed already when it is turned next', () => {
    const wheel = new HashedWheel(100, 0)
    take(wheel, 5000)
    const task = taskAt(1000)
    wheel.add(task)
    assert.deepEqual(take(wheel, 5000), [task])
  })

  test('forgets a cancelled task at once', () => {
    const wheel = new HashedWheel(100, 0)
    const [a, b, c] = [taskAt(1000), taskAt(1000), taskAt(1000)]
    for (const task of [a, b, c]) wheel.add(task)
    assert.equal(b.cancel(), true)
    assert.deepEqual([...wheel], [a, c])
    assert.deepEqual([b.next, b.prev], [b, b])
    assert.deepEqual(take(wheel, 1000), [a, c])
  })

  test('agrees with a list that is searched through, whatever is added, cancelled and missed', () => {
    const step = oneof(
      record({ kind: constant('add' as const), value: double({ min: 0, max: 200_000, noNaN: true }) }),
      record({ kind: constant('cancel' as const), value: nat(100) }),
      record({ kind: constant('pass' as const), value: double({ min: 0, max: 400, noNaN: true }) }),
      record({ kind: constant('block' as const), value: double({ min: 0, max: 120_000, noNaN: true }) }),
    )
    const tickMs = constantFrom(1, 7.3, 10, 100)
    const start = double({ min: 0, max: 1e9, noNaN: true })
    assertProperty(
      property(tickMs, start, array(step, { maxLength: 60 }), (tick, begin, steps) => {
        const wheel = new HashedWheel(tick, begin)
        let now = begin
        let waiting: CoarseTask[] = []
        for (const { kind, value } of steps) {
          if (kind === 'add') {
            if (waiting.length === 0) wheel.skipTo(now)
            const task = taskAt(now + value)
            wheel.add(task)
            waiting.push(task)
          } else if (kind === 'cancel' && waiting.length > 0) {
            const [task] = waiting.splice(value % waiting.length, 1)
            task!.cancel()
          } else {
            now += value
            const due = waiting.filter((task) => task.deadline <= now)
            assert.deepEqual(new Set(take(wheel, now)), new Set(due), `at ${now}`)
            waiting = waiting.filter((task) => task.deadline > now)
          }
          assert.deepEqual(new Set(wheel), new Set(waiting))
        }
      }),
      { numRuns: 300 },
    )
  })
})
