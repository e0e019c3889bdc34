/** A task as an object, for those that wait in great numbers: one that has fields of its own needs no closure beside it. */
export interface Runnable {
  run(): void
}

/** A task that an executor runs at or after its deadline. */
export interface ScheduledTask {
  /** When it is due, in ms of the executor's ticker; of a repeated task the next time. */
  readonly deadline: number
  readonly isCancelled: boolean
  /** It has run (a repeated task never has), or was cancelled. */
  readonly isDone: boolean
  /** False when it has run or was cancelled before. */
  cancel(): boolean
}
