import { type CoarseTask, Link } from './coarse-task.js'

/** Buckets of a wheel: a round takes 51.2 s at the default tick. As many as Netty's HashedWheelTimer has. */
const BUCKETS = 512

/**
 * Timers sorted by the tick in which they are due: adding one and taking one out cost the same however many wait.
 *
 *     tick      0     1     2    …    511
 *            [ A ] [ B ] [   ]  …  [   ]       B: due during tick 1; C: during tick 513, one round later, so it stays when B is taken
 *                  [ C ]
 *
 * The wheel has no clock: somebody calls {@link advance}, once a tick. It looks at the tick that is under way as well, so a task
 * is late by the time between two calls at most, wherever they fall.
 */
export class HashedWheel {
  private readonly tickMs: number
  /** When tick 0 began. */
  private readonly start: number
  private readonly buckets: readonly Link[] = Array.from({ length: BUCKETS }, () => new Link())
  /** The tick that was under way at the last call: it is looked at again. */
  private lastTick = 0

  constructor(tickMs: number, now: number) {
    this.tickMs = tickMs
    this.start = now
  }

  /** The task is found by the first {@link advance} at or behind its deadline. */
  add(task: CoarseTask): void {
    this.bucket(Math.max(this.tickAt(task.deadline), this.lastTick)).append(task)
  }

  /** Moves the tasks that are due at `now` to the end of `due`, those of an earlier tick first unless a whole round was missed. */
  advance(now: number, due: Link): void {
    const tick = this.tickAt(now)
    for (let next = Math.max(this.lastTick, tick - BUCKETS + 1); next <= tick; next++) {
      for (const task of this.bucket(next).tasks()) {
        if (task.deadline > now) continue
        task.unlink()
        due.append(task)
      }
    }
    this.lastTick = Math.max(this.lastTick, tick)
  }

  /** Of an empty wheel: the ticks until now need not be looked at. */
  skipTo(now: number): void {
    this.lastTick = Math.max(this.lastTick, this.tickAt(now))
  }

  *[Symbol.iterator](): Generator<CoarseTask> {
    for (const bucket of this.buckets) yield* bucket.tasks()
  }

  private bucket(tick: number): Link {
    return this.buckets[tick % BUCKETS] as Link
  }

  /** A later time is never in an earlier tick, whatever the division rounds: what is due is always found. */
  private tickAt(time: number): number {
    return Math.floor((time - this.start) / this.tickMs)
  }
}
