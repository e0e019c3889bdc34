import { getLogger } from '@knotty/common'

const INTERVAL_MS = 1000

/**
 * Warns at most so many times a second. A broken childHandler refuses every connection of a storm, and any peer can send what no
 * decoder takes: the event and the counter tell each one, the log would only drown in them.
 */
export class LimitedWarning {
  private readonly perSecond: number
  private since = Number.NEGATIVE_INFINITY
  private warned = 0
  private suppressed = 0

  constructor(perSecond = 1) {
    this.perSecond = perSecond
  }

  warn(now: number, message: () => string, error: unknown): void {
    if (now - this.since >= INTERVAL_MS) {
      this.since = now
      this.warned = 0
    }
    if (++this.warned > this.perSecond) {
      this.suppressed++
      return
    }
    const more = this.suppressed === 0 ? '' : ` (and ${this.suppressed} more since the last such line)`
    this.suppressed = 0
    getLogger().warn(`${message()}${more}`, error)
  }

  /** Tells how many warnings are not in the log; for the end. */
  end(message: (suppressed: number) => string): void {
    if (this.suppressed > 0) getLogger().warn(message(this.suppressed))
    this.suppressed = 0
  }
}
