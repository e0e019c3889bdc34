export { AbstractRemoteAddressFilter, type RemoteAddressFilterOptions } from './abstract-remote-address-filter.js'
export { BackPressureHandler, type BackPressureHandlerOptions } from './back-pressure-handler.js'
export { Backoff, type BackoffOptions } from './backoff.js'
export { CloseOnErrorHandler, type CloseOnErrorHandlerOptions } from './close-on-error-handler.js'
export { QueueOverflowError, ReconnectError } from './errors.js'
export { FlowControlHandler, type FlowControlHandlerOptions } from './flow-control-handler.js'
export { FlushConsolidationHandler, type FlushConsolidationHandlerOptions } from './flush-consolidation-handler.js'
export { type IdleState, IdleStateEvent } from './idle-state-event.js'
export { IdleStateHandler, type IdleStateHandlerOptions } from './idle-state-handler.js'
export type { IpFilterRule } from './ip-rules.js'
export { LoggingHandler, type LoggingHandlerOptions } from './logging-handler.js'
export { ReadTimeoutHandler, type ReadTimeoutHandlerOptions } from './read-timeout-handler.js'
export {
  ReconnectingClient,
  type ReconnectingClientEventMap,
  type ReconnectingClientOptions,
  type ReconnectingClientState,
  type ReconnectScheduledEvent,
} from './reconnecting-client.js'
export { RuleBasedIpFilter, type RuleBasedIpFilterOptions } from './rule-based-ip-filter.js'
export { ReadTimeoutError, TimeoutError, WriteTimeoutError } from './timeout-errors.js'
export { UniqueIpFilter } from './unique-ip-filter.js'
export { WriteTimeoutHandler, type WriteTimeoutHandlerOptions } from './write-timeout-handler.js'
