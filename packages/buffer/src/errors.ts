import { IllegalStateError, KnottyError, type KnottyErrorOptions, UnsupportedOperationError } from '@knotty/common'

/**
 * A buffer was used after its last reference was released, or its count was about to leave 0..2^31-1.
 * `code` is `ERR_KNOTTY_ILLEGAL_REFERENCE_COUNT`. Netty: IllegalReferenceCountException.
 */
export class IllegalReferenceCountError extends IllegalStateError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_ILLEGAL_REFERENCE_COUNT')
  }
}

/**
 * A read-only view, or the empty buffer, was asked to change its bytes or its capacity. `code` is `ERR_KNOTTY_READ_ONLY_BUFFER`.
 * Java: ReadOnlyBufferException.
 */
export class ReadOnlyBufferError extends UnsupportedOperationError {
  constructor(message = 'the buffer is read-only', options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_READ_ONLY_BUFFER')
  }
}

/**
 * A 64-bit integer in the buffer does not fit a number exactly (beyond 2^53 - 1 either way). `code` is `ERR_KNOTTY_UNSAFE_INTEGER`.
 */
export class UnsafeIntegerError extends KnottyError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super('ERR_KNOTTY_UNSAFE_INTEGER', message, options)
  }
}
