export { Backoff, type BackoffOptions } from './backoff.js'
export { ReconnectError } from './errors.js'
export {
  ReconnectingClient,
  type ReconnectingClientEventMap,
  type ReconnectingClientOptions,
  type ReconnectingClientState,
  type ReconnectScheduledEvent,
} from './reconnecting-client.js'
