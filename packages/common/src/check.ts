import { IllegalArgumentError } from './errors.js'

/** The value as an error message shows it: text in quotes, so that '5' is not taken for 5. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

/** `value` when it is an integer >= 0; otherwise an {@link IllegalArgumentError} that names the argument and the value. */
export function checkNonNegativeInteger(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new IllegalArgumentError(`${name}: ${shown(value)} (expected: an integer >= 0)`)
  }
  return value
}

/** `value` when it is an integer > 0; otherwise an {@link IllegalArgumentError} that names the argument and the value. */
export function checkPositiveInteger(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new IllegalArgumentError(`${name}: ${shown(value)} (expected: an integer > 0)`)
  }
  return value
}

/** `value` when it is a finite duration in ms >= 0 that a timer can hold (2^31 - 1 ms at most); otherwise an {@link IllegalArgumentError}. */
export function checkDurationMs(value: number, name: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 0x7fffffff)) {
    throw new IllegalArgumentError(`${name}: ${shown(value)} (expected: milliseconds from 0 to ${0x7fffffff})`)
  }
  return value
}

/** `value` when it is a function; otherwise an {@link IllegalArgumentError} that names the argument. */
export function checkFunction<F>(value: F, name: string): F {
  if (typeof value !== 'function') throw new IllegalArgumentError(`${name}: ${typeof value} (expected: a function)`)
  return value
}

/** Checks that options are an object, and not, as in Netty, a list of arguments. An {@link IllegalArgumentError} that shows the form. */
export function checkOptions(options: unknown, form: string): void {
  if (typeof options !== 'object' || options === null) throw new IllegalArgumentError(`options: ${shown(options)} (expected: ${form})`)
}
