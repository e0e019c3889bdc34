import { IllegalStateError, KnottyError, type KnottyErrorOptions, UnsupportedOperationError } from '@knotty/common'
import type { Channel } from './channel.js'

/** Base of the errors of channels. */
export class ChannelError extends KnottyError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_CHANNEL') {
    super(code, message, options)
  }
}

/** A pipeline was put together wrongly, or `handlerAdded`/`handlerRemoved` threw (see `cause`). */
export class ChannelPipelineError extends ChannelError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_PIPELINE') {
    super(message, options, code)
  }
}

/** The channel is closed, or was before the operation could complete; `cause` is what closed it, if known. */
export class ClosedChannelError extends ChannelError {
  constructor(message = 'the channel is closed', options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_CLOSED_CHANNEL')
  }
}

/** A flush, or another operation that needs a peer, before the channel was connected. */
export class NotYetConnectedError extends ChannelError {
  constructor(message = 'the channel is not connected yet') {
    super(message, undefined, 'ERR_KNOTTY_NOT_YET_CONNECTED')
  }
}

/** The write side was shut down before the write could complete. */
export class ChannelOutputShutdownError extends ChannelError {
  constructor(message = 'the output of the channel is shut down', options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_OUTPUT_SHUTDOWN')
  }
}

/** No connection within CONNECT_TIMEOUT_MILLIS, name lookup included. */
export class ConnectTimeoutError extends ChannelError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_CONNECT_TIMEOUT')
  }
}

/**
 * A half-open connection moved no byte for HALF_OPEN_TIMEOUT_MS and was closed: the `cause` of the errors of its writes. The loop counts it
 * (halfOpenTimeouts).
 */
export class HalfOpenTimeoutError extends ChannelError {
  constructor(message: string) {
    super(message, undefined, 'ERR_KNOTTY_HALF_OPEN_TIMEOUT')
  }
}

/** No address of the host could be connected; `errors` has one error for each address tried, in order. */
export class ConnectError extends ChannelError {
  readonly errors: readonly Error[]

  constructor(message: string, errors: readonly Error[], options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_CONNECT')
    this.errors = errors
  }
}

/** `registrationTimeoutMs` passed before an accepted connection was registered. */
export class RegistrationTimeoutError extends ChannelError {
  constructor(message: string) {
    super(message, undefined, 'ERR_KNOTTY_REGISTRATION_TIMEOUT')
  }
}

/** The channel class does not declare the option. */
export class UnsupportedOptionError extends UnsupportedOperationError {
  constructor(message: string) {
    super(message, undefined, 'ERR_KNOTTY_UNSUPPORTED_OPTION')
  }
}

/** The channel's transport cannot write messages of this type. */
export class UnsupportedMessageTypeError extends UnsupportedOperationError {
  constructor(message: string) {
    super(message, undefined, 'ERR_KNOTTY_UNSUPPORTED_MESSAGE_TYPE')
  }
}

/** A call that the channel's state does not allow, such as a second connect or connect after bind. */
export class ChannelStateError extends IllegalStateError {
  constructor(message: string) {
    super(message, undefined, 'ERR_KNOTTY_CHANNEL_STATE')
  }
}

/** How many failures the message of a {@link ChannelGroupError} shows. */
const SHOWN_FAILURES = 3

/** An operation on a channel group failed on some of its channels; `failures` has each of them, `cause` is the first one's. */
export class ChannelGroupError extends ChannelError {
  readonly failures: readonly { readonly channel: Channel; readonly cause: Error }[]

  constructor(group: string, channels: number, failures: readonly { readonly channel: Channel; readonly cause: Error }[]) {
    const shown = failures.slice(0, SHOWN_FAILURES).map(({ channel, cause }) => `${String(channel)}: ${cause.message}`)
    if (failures.length > shown.length) shown.push(`${failures.length - shown.length} more`)
    super(`${group}: failed on ${failures.length} of ${channels} channels: ${shown.join('; ')}`, { cause: failures[0]?.cause }, 'ERR_KNOTTY_CHANNEL_GROUP')
    this.failures = failures
  }
}
