import type { ByteBuf } from '@knotty/buffer'
import type { SocketAddress } from '../socket/address.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelPromise } from './channel-promise.js'

/**
 * What the head of a pipeline asks of a channel, after the handlers had their say (Netty's Channel.Unsafe). Not for handlers:
 * these calls skip the pipeline.
 */
export interface ChannelTransport {
  /** The transport has a disconnect of its own; otherwise it means close. */
  readonly hasDisconnect: boolean
  /** A server channel: its messages are accepted channels. */
  readonly isServer: boolean
  /** The handlers have been told of the present registration: nothing holds it back any more. */
  readonly isAnnounced: boolean

  bind0(localAddress: SocketAddress, promise: ChannelPromise): void
  connect0(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void
  disconnect0(promise: ChannelPromise): void
  close0(promise: ChannelPromise): void
  deregister0(promise: ChannelPromise): void
  beginRead(): void
  write0(msg: unknown, promise: ChannelPromise | null): void
  /** {@link write0} of a buffer with a few bytes before it, see OutboundBuffer.addPrefixed; false: not here, nothing was done. */
  writePrefixed0(prefix: number, prefixBytes: number, msg: ByteBuf | Uint8Array, promise: ChannelPromise | null): boolean
  flush0(): void

  /** An initializer failed; its close() comes next. */
  initializationFailed(cause: Error): void
  /** The channel is registered and the pipeline hears it now. */
  registeredInPipeline(): void
  /** A message passed the last handler. */
  onUnhandledMessage(ctx: ChannelHandlerContext, msg: unknown): void
  /** An exception passed the last handler. */
  onUncaughtException(ctx: ChannelHandlerContext, cause: Error): void
}
