export { Backoff, type BackoffOptions } from './backoff.js'
export { ReconnectError } from './errors.js'
export {
  ReconnectingClient,
  type ReconnectingClientEventMap,
  type ReconnectingClientOptions,
  type ReconnectingClientState,
  type ReconnectScheduledEvent,
} from './reconnecting-client.js'
export { IdleStateEvent, type IdleState } from './idle-state-event.js'
export { IdleStateHandler, type IdleStateHandlerOptions } from './idle-state-handler.js'
export { ReadTimeoutHandler, type ReadTimeoutHandlerOptions } from './read-timeout-handler.js'
export { ReadTimeoutError, TimeoutError, WriteTimeoutError } from './timeout-errors.js'
export { WriteTimeoutHandler, type WriteTimeoutHandlerOptions } from './write-timeout-handler.js'
