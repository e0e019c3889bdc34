export type {
  BootstrapConfig,
  ChannelFactory,
  ChannelRegistrar,
  HandlerOrInitializer,
  OperationOptions,
} from './bootstrap/abstract-bootstrap.js'
export { Bootstrap, type ClientBootstrapConfig } from './bootstrap/bootstrap.js'
export { ServerBootstrap, type ServerBootstrapConfig } from './bootstrap/server-bootstrap.js'
export {
  shutdownOnSignal,
  type SignalShutdown,
  type SignalShutdownOptions,
  type SignalShutdownReport,
} from './bootstrap/shutdown-on-signal.js'
export { AsyncChannel, type AsyncChannelOptions, type AsyncChannelServer } from './channel/async-channel.js'
export type { AsyncInbound, AsyncInboundOptions } from './channel/async-inbound.js'
export type { AsyncOutbound } from './channel/async-outbound.js'
export { addedMark } from './channel/added-mark.js'
export { bytesToMessages } from './channel/bytes-to-messages.js'
export { ChannelConfig } from './channel/channel-config.js'
export { type ChannelEventMap, ChannelEvents, type RefusedEvent } from './channel/channel-events.js'
export { ChannelFutureListener } from './channel/channel-future-listener.js'
export type { ChannelFuture } from './channel/channel-future.js'
export type { ChannelGroupFuture } from './channel/channel-group-future.js'
export { ChannelGroup, type ChannelGroupOptions } from './channel/channel-group.js'
export { ChannelHandlerContext } from './channel/channel-handler-context.js'
export type { ChannelHandler } from './channel/channel-handler.js'
export { ChannelId } from './channel/channel-id.js'
export { ChannelInitializer, type ChannelInitializerFunction } from './channel/channel-initializer.js'
export { type ChannelMatcher, ChannelMatchers } from './channel/channel-matchers.js'
export { ChannelOption } from './channel/channel-option.js'
export { ChannelPipeline } from './channel/channel-pipeline.js'
export { type ChannelPromise, DefaultChannelPromise } from './channel/channel-promise.js'
export type { BoundServerChannel, Channel, ServerChannel, TransportName } from './channel/channel.js'
export {
  ChannelError,
  ChannelGroupError,
  ChannelOutputShutdownError,
  ChannelPipelineError,
  ChannelStateError,
  ClosedChannelError,
  ConnectError,
  ConnectTimeoutError,
  HalfOpenTimeoutError,
  NotYetConnectedError,
  RegistrationTimeoutError,
  UnsupportedMessageTypeError,
  UnsupportedOptionError,
} from './channel/errors.js'
export { ChannelInputShutdownEvent, ChannelInputShutdownReadComplete, ChannelOutputShutdownEvent, DrainEvent } from './channel/events.js'
export { OutboundBuffer } from './channel/outbound-buffer.js'
export { type MessageMatcher, SimpleChannelInboundHandler, toPredicate } from './channel/simple-channel-inbound-handler.js'
export type {
  CompletePipeline,
  Consumes,
  EmptyPipeline,
  HandlerTypes,
  InboundMismatch,
  InboundTypes,
  OutboundMismatch,
  OutboundTypes,
  Pass,
  TypedHandler,
  TypedPipeline,
  TypedPipelineInitializer,
} from './channel/typed-pipeline.js'
export { reportUncaughtException } from './channel/unhandled.js'
export { DEFAULT_WATER_MARK, type WriteBufferWaterMark } from './channel/write-water-mark.js'
export { EmbeddedChannel, type EmbeddedChannelOptions } from './embedded/embedded-channel.js'
export { EmbeddedEventLoop } from './embedded/embedded-event-loop.js'
export type { CoarseTicker, EventLoopOptions } from './eventloop/default-event-loop.js'
export { EventLoopGroup, type EventLoopGroupOptions } from './eventloop/event-loop-group.js'
export type { EventLoop, EventLoopCounters } from './eventloop/event-loop.js'
export { AcceptedSocketGuard } from './socket/accepted-socket-guard.js'
export { LocalSocketAddress, type SocketAddress, type SocketAddressLike, TcpSocketAddress, UnixSocketAddress } from './socket/address.js'
export type { HostResolver } from './socket/connector.js'
export type { DrainOptions, DrainReport } from './socket/drain.js'
export type { PipeHandle, StreamHandle, TcpHandle } from './socket/libuv/binding.js'
export { LibuvServerChannel } from './socket/libuv/libuv-server-channel.js'
export { LibuvSocketChannel } from './socket/libuv/libuv-socket-channel.js'
export { LocalChannel } from './socket/local/local-channel.js'
export { LocalServerChannel } from './socket/local/local-server-channel.js'
export type { LocalSocket } from './socket/local/local-socket.js'
export { NetServerChannel } from './socket/net/net-server-channel.js'
export { NetSocketChannel } from './socket/net/net-socket-channel.js'
export type { NetSocket } from './socket/net/net-socket.js'
export { type SocketTransport, socketTransport } from './socket/transport.js'
