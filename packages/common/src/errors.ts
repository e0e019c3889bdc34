const brand: unique symbol = Symbol.for('knotty.error') as never

/** Options of every Knotty error: the error that led to it. */
export interface KnottyErrorOptions {
  readonly cause?: unknown
}

/**
 * Base of Knotty's errors. `code` is stable (`ERR_KNOTTY_…`) and is never reused for another meaning; the message carries the
 * limit and the actual value.
 *
 * `error instanceof KnottyError` also holds for the ones that extend RangeError (Java's IllegalArgumentException and
 * IndexOutOfBoundsException) and for errors of another copy of the package: the test is a registered symbol.
 */
export class KnottyError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: KnottyErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }

  static {
    markAsKnottyError(this)
    Object.defineProperty(this, Symbol.hasInstance, {
      value(this: typeof KnottyError, value: unknown): boolean {
        if (this !== KnottyError) return Function.prototype[Symbol.hasInstance].call(this, value)
        return typeof value === 'object' && value !== null && brand in value
      },
    })
  }
}

function markAsKnottyError(errorClass: { prototype: object }): void {
  Object.defineProperty(errorClass.prototype, brand, { value: true })
}

/** An argument outside what the method takes. Java: IllegalArgumentException. */
export class IllegalArgumentError extends RangeError {
  readonly code: string
  static {
    markAsKnottyError(this)
  }

  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_ILLEGAL_ARGUMENT') {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** An index or length outside the readable, writable or allocated bytes. Java: IndexOutOfBoundsException. */
export class IndexOutOfBoundsError extends RangeError {
  readonly code: string = 'ERR_KNOTTY_INDEX_OUT_OF_BOUNDS'
  static {
    markAsKnottyError(this)
  }

  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** A call that the object's present state does not allow. Java: IllegalStateException. */
export class IllegalStateError extends KnottyError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_ILLEGAL_STATE') {
    super(code, message, options)
  }
}

/** A named or asked-for element does not exist. Java: NoSuchElementException. */
export class NoSuchElementError extends KnottyError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super('ERR_KNOTTY_NO_SUCH_ELEMENT', message, options)
  }
}

/** The object does not support the operation at all. Java: UnsupportedOperationException. */
export class UnsupportedOperationError extends KnottyError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_UNSUPPORTED_OPERATION') {
    super(code, message, options)
  }
}

/** The operation was cancelled before it could complete. Java: CancellationException. */
export class CancellationError extends KnottyError {
  constructor(message = 'the operation was cancelled', options?: KnottyErrorOptions) {
    super('ERR_KNOTTY_CANCELLED', message, options)
  }
}

/** An executor that is shutting down, or full, refuses a task or a registration. Java: RejectedExecutionException. */
export class RejectedExecutionError extends KnottyError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super('ERR_KNOTTY_REJECTED_EXECUTION', message, options)
  }
}

/** A value as text, whatever it is: `String(value)` throws for an object without prototype. */
export function showValue(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/** Narrows what a `catch` clause got: the value itself when it is an Error, else an Error that shows it. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`a value that is no Error was thrown: ${showValue(thrown)}`)
}
