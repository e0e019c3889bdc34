import { checkDurationMs, checkFunction, checkOptions, IllegalArgumentError, shown } from '@knotty/common'

/** Options of {@link Backoff}. */
export interface BackoffOptions {
  /** What the first delay stays below, in ms, above 0 (1000). */
  readonly minDelayMs?: number
  /** What every delay stays below, in ms; at least minDelayMs (30000). */
  readonly maxDelayMs?: number
  /** By how much the bound grows from one delay to the next, at least 1 (2). */
  readonly factor?: number
  /** A number from 0 up to, but not including, 1 (Math.random). */
  readonly random?: () => number
}

/**
 * How long to wait before the next try: a random time below a bound that grows with each one.
 *
 *     bound(n) = min(maxDelayMs, minDelayMs * factor ** n)        n = 0, 1, 2, … delays since the last reset
 *     delay(n) = random from 0 up to bound(n)
 *
 * That is the "full jitter" of the AWS Architecture Blog, "Exponential Backoff And Jitter": of the variants compared there the one
 * that spreads many clients evenly over the time, so that a server that comes back meets no wave of them. The price is that a single
 * delay may be close to 0: whoever must not come too often needs a budget besides, as {@link ReconnectingClient} has.
 */
export class Backoff {
  private readonly minDelayMs: number
  private readonly maxDelayMs: number
  private readonly factor: number
  private readonly random: () => number
  private bound: number

  /** An IllegalArgumentError names the option that is out of range. */
  constructor(options: BackoffOptions = {}) {
    checkOptions(options, 'new Backoff({ minDelayMs, maxDelayMs })')
    const { minDelayMs = 1000, maxDelayMs = Math.max(30_000, minDelayMs), factor = 2, random = Math.random } = options
    if (checkDurationMs(minDelayMs, 'minDelayMs') === 0) throw new IllegalArgumentError('minDelayMs: 0 (expected: above 0)')
    if (checkDurationMs(maxDelayMs, 'maxDelayMs') < minDelayMs) {
      throw new IllegalArgumentError(`maxDelayMs: ${maxDelayMs} (expected: at least minDelayMs, ${minDelayMs})`)
    }
    if (!Number.isFinite(factor) || factor < 1) throw new IllegalArgumentError(`factor: ${shown(factor)} (expected: a number >= 1)`)
    this.minDelayMs = minDelayMs
    this.maxDelayMs = maxDelayMs
    this.factor = factor
    this.random = checkFunction(random, 'random')
    this.bound = minDelayMs
  }

  /** What the next delay stays below, in ms. */
  get boundMs(): number {
    return this.bound
  }

  /** The next delay in ms, and the bound grows. An IllegalArgumentError when `random` gave no number from 0 to below 1. */
  nextDelayMs(): number {
    const share = this.random()
    if (!(share >= 0 && share < 1)) throw new IllegalArgumentError(`random: gave ${shown(share)} (expected: from 0 to below 1)`)
    const delay = share * this.bound
    this.bound = Math.min(this.maxDelayMs, this.bound * this.factor)
    return delay
  }

  /** The next delay is a first one again. */
  reset(): void {
    this.bound = this.minDelayMs
  }
}
