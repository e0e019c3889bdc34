import type { Runnable, ScheduledTask } from '@knotty/common'
import type { EventLoop } from '@knotty/transport'
import type { IdleState } from './idle-state-event.js'

/** Whose {@link IdleTimer} it is. */
export interface IdleTimerOwner {
  timerDue(timer: IdleTimer): void
}

/** The one timer of one kind of idleness of one channel. It is not touched when bytes move, but looks when it is due. */
export class IdleTimer implements Runnable {
  readonly state: IdleState
  readonly idleMs: number
  /** The next event is the first since bytes moved. */
  first = true
  private readonly owner: IdleTimerOwner
  private task: ScheduledTask | undefined = undefined

  constructor(owner: IdleTimerOwner, state: IdleState, idleMs: number) {
    this.owner = owner
    this.state = state
    this.idleMs = idleMs
  }

  /** When it is, or was, due. */
  get deadline(): number {
    return this.task?.deadline ?? 0
  }

  arm(loop: EventLoop, delayMs: number): void {
    this.task = loop.scheduleCoarse(this, delayMs, { partOfMs: this.idleMs }) // the rest of a long time needs no timer of its own
  }

  cancel(): void {
    this.task?.cancel()
  }

  /** Internal: what the loop calls. */
  run(): void {
    this.owner.timerDue(this)
  }
}
