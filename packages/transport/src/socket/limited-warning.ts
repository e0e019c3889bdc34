import { getLogger } from '@knotty/common'

const INTERVAL_MS = 1000

/**
 * Warns at most once a second. A broken childHandler refuses every connection of a storm: the event and the counter tell each one,
 * the log would only drown in them.
 */
export class LimitedWarning {
  private lastAt = Number.NEGATIVE_INFINITY
  private suppressed = 0

  warn(now: number, message: () => string, error: unknown): void {
    if (now - this.lastAt < INTERVAL_MS) {
      this.suppressed++
      return
    }
    const more = this.suppressed === 0 ? '' : ` (and ${this.suppressed} more since the last such line)`
    this.lastAt = now
    this.suppressed = 0
    getLogger().warn(`${message()}${more}`, error)
  }

  /** Tells how many warnings are not in the log; for the end. */
  end(message: (suppressed: number) => string): void {
    if (this.suppressed > 0) getLogger().warn(message(this.suppressed))
    this.suppressed = 0
  }
}
