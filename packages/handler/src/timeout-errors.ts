import { ChannelError } from '@knotty/transport'

/** Something did not happen on a channel in time. */
export class TimeoutError extends ChannelError {
  constructor(message: string, code = 'ERR_KNOTTY_TIMEOUT') {
    super(message, undefined, code)
  }
}

/** Nothing was read for the time of a ReadTimeoutHandler. */
export class ReadTimeoutError extends TimeoutError {
  constructor(timeoutMs: number) {
    super(`nothing was read for ${timeoutMs} ms`, 'ERR_KNOTTY_READ_TIMEOUT')
  }
}

/** A write did not complete within the time of a WriteTimeoutHandler. */
export class WriteTimeoutError extends TimeoutError {
  constructor(timeoutMs: number) {
    super(`a write did not complete within ${timeoutMs} ms`, 'ERR_KNOTTY_WRITE_TIMEOUT')
  }
}
