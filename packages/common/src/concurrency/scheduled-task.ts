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
