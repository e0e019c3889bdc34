import { performance } from 'node:perf_hooks'

/** A monotonic clock in milliseconds, injectable so that tests own the time. Its zero has no meaning. */
export interface Ticker {
  /** Milliseconds, with fractions. */
  now(): number
}

/** The clock of this process: `performance.now()`. */
export const systemTicker: Ticker = { now: () => performance.now() }
