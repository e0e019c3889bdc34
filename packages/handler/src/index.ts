export { BackPressureHandler, type BackPressureHandlerOptions } from './back-pressure-handler.js'
export { Backoff, type BackoffOptions } from './backoff.js'
export { ReconnectError } from './errors.js'
export { type IdleState, IdleStateEvent } from './idle-state-event.js'
export { IdleStateHandler, type IdleStateHandlerOptions } from './idle-state-handler.js'
export { ReadTimeoutHandler, type ReadTimeoutHandlerOptions } from './read-timeout-handler.js'
export {
  ReconnectingClient,
  type ReconnectingClientEventMap,
  type ReconnectingClientOptions,
  type ReconnectingClientState,
  type ReconnectScheduledEvent,
} from './reconnecting-client.js'
export { ReadTimeoutError, TimeoutError, WriteTimeoutError } from './timeout-errors.js'
export { WriteTimeoutHandler, type WriteTimeoutHandlerOptions } from './write-timeout-handler.js'
