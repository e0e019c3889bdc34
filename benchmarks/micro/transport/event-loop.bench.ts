// Tasks and timers of an event loop, beside what Node has for the same.
//
// Run:   npm run bench -- --filter event-loop
// Read:  nanoseconds a task, from execute() until it has run, a thousand at a time; nanoseconds to schedule a timer and cancel it.
import { bench } from '@knotty/bench'
import { EventLoopGroup } from '@knotty/transport'

const TASKS = 1000
const DELAY_MS = 30_000

const nothing = (): void => {}

/** Gives away a thousand tasks; the promise is kept by the last one. */
function tasks(give: (task: () => void) => unknown): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      for (let index = 1; index < TASKS; index++) give(nothing)
      give(resolve)
    })
}

bench('setImmediate', () => tasks(setImmediate), { perRun: TASKS })
bench('execute', () => {
  const loop = new EventLoopGroup().next()
  return tasks((task) => loop.execute(task))
}, { perRun: TASKS, compareWith: 'setImmediate' })

bench('setTimeout, clearTimeout', () => () => clearTimeout(setTimeout(nothing, DELAY_MS)))
bench('schedule, cancel', () => {
  const loop = new EventLoopGroup().next()
  return () => loop.schedule(nothing, DELAY_MS).cancel()
}, { compareWith: 'setTimeout, clearTimeout' })
bench('scheduleCoarse, cancel', () => {
  const loop = new EventLoopGroup().next()
  return () => loop.scheduleCoarse(nothing, DELAY_MS).cancel()
}, { compareWith: 'setTimeout, clearTimeout' })
