const MINUTE_MS = 60_000

/** At most so many attempts in any minute, whatever asks for them. */
export class AttemptBudget {
  private readonly perMinute: number
  /** When the last attempts were made, oldest first; never more than `perMinute`. */
  private readonly times: number[] = []

  constructor(perMinute: number) {
    this.perMinute = perMinute
  }

  /** How long until the next attempt is allowed, in ms; 0: now. */
  delayMs(now: number): number {
    const oldest = this.times[0]
    return this.times.length < this.perMinute || oldest === undefined ? 0 : Math.max(0, oldest + MINUTE_MS - now)
  }

  /** An attempt is made. */
  take(now: number): void {
    if (this.times.length >= this.perMinute) this.times.shift()
    this.times.push(now)
  }
}
