import { type CoarseTask, Link } from './coarse-task.js'

/** Buckets of a wheel: a round takes 51.2 s at the default tick. As many as Netty's HashedWheelTimer has. */
const BUCKETS = 512

/**
 * Timers sorted by the tick they are due at: adding one and taking one out cost the same however many wait.
 *
 *     tick      0     1     2    …    511
 *            [ A ] [ B ] [   ]  …  [   ]       B: due at tick 1; C: at tick 513, one round later, so tick 1 leaves it where it is
 *                  [ C ]
 *
 * The wheel has no clock: somebody calls {@link advance}.
 */
export class HashedWheel {
  private readonly tickMs: number
  /** When tick 0 was. */
  private readonly start: number
  private readonly buckets: readonly Link[] = Array.from({ length: BUCKETS }, () => new Link())
  /** The last tick that was taken out. */
  private lastTick: number

  constructor(tickMs: number, now: number) {
    this.tickMs = tickMs
    this.start = now
    this.lastTick = 0
  }

  /** The task is found by the first {@link advance} at or behind its deadline that comes in another tick than the one before. */
  add(task: CoarseTask): void {
    let tick = Math.ceil((task.deadline - this.start) / this.tickMs)
    if (this.timeOf(tick) < task.deadline) tick++ // the division rounds; a task must not be early
    this.bucket(Math.max(tick, this.lastTick + 1)).append(task)
  }

  /** Moves the tasks that are due at `now` to the end of `due`, those of an earlier tick first. */
  advance(now: number, due: Link): void {
    const tick = this.tickAt(now)
    const time = this.timeOf(tick)
    for (let next = Math.max(this.lastTick, tick - BUCKETS) + 1; next <= tick; next++) {
      for (const task of this.bucket(next).tasks()) {
        if (task.deadline > time) continue
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

  private timeOf(tick: number): number {
    return this.start + tick * this.tickMs
  }

  /** The last tick at or before `now`. */
  private tickAt(now: number): number {
    const tick = Math.floor((now - this.start) / this.tickMs)
    return this.timeOf(tick) > now ? tick - 1 : tick
  }
}
