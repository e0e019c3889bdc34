import type { Runnable, ScheduledTask } from '@knotty/common'

/** A place in a circular, doubly linked list; on its own it is the head of an empty list. */
export class Link {
  prev: Link = this
  next: Link = this

  get isEmpty(): boolean {
    return this.next === this
  }

  /** The tasks of the list that this is the head of. The one at hand may leave the list meanwhile. */
  *tasks(): Generator<CoarseTask> {
    for (let link = this.next; link !== this; ) {
      const following = link.next
      yield link as CoarseTask
      link = following
    }
  }

  /** Puts `link`, which is in no list, at the end of the list that this is the head of. */
  append(link: Link): void {
    link.prev = this.prev
    link.next = this
    this.prev.next = link
    this.prev = link
  }

  unlink(): void {
    this.prev.next = this.next
    this.next.prev = this.prev
    this.prev = this
    this.next = this
  }
}

/** What a {@link CoarseTask} tells of its cancellation. */
export interface CoarseTaskOwner {
  taskCancelled(task: CoarseTask): void
}

/* The states of a task. */
const WAITING = 0
const RUN = 1
const CANCELLED = 2

/** A coarse timer. While it waits it is in one list: of the wheel, of the short timers or of what is due. */
export class CoarseTask extends Link implements ScheduledTask {
  readonly deadline: number
  readonly task: (() => void) | Runnable
  private state = WAITING
  /** Of a short delay, until it is due. */
  timer: NodeJS.Timeout | undefined = undefined
  private readonly owner: CoarseTaskOwner

  constructor(owner: CoarseTaskOwner, task: (() => void) | Runnable, deadline: number) {
    super()
    this.owner = owner
    this.task = task
    this.deadline = deadline
  }

  get isCancelled(): boolean {
    return this.state === CANCELLED
  }

  get isDone(): boolean {
    return this.state !== WAITING
  }

  /** It runs now. */
  hasRun(): void {
    this.state = RUN
  }

  cancel(): boolean {
    if (this.isDone) return false
    this.state = CANCELLED
    this.unlink()
    this.owner.taskCancelled(this)
    return true
  }
}
