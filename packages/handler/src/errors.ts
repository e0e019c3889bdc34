import { type KnottyErrorOptions } from '@knotty/common'
import { ChannelError } from '@knotty/transport'

/** A {@link ReconnectingClient} gave up: `maxAttempts` in a row gave no stable connection; `cause` is the last attempt's error, if any. */
export class ReconnectError extends ChannelError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_RECONNECT')
  }
}

/** A handler was to keep more messages than its limit allows. */
export class QueueOverflowError extends ChannelError {
  constructor(message: string) {
    super(message, undefined, 'ERR_KNOTTY_QUEUE_OVERFLOW')
  }
}
