import type { ByteBufAllocator } from '@knotty/buffer'
import type { Attribute, AttributeKey, Future } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'
import type { SocketAddress } from '../socket/address.js'
import type { DrainOptions, DrainReport } from '../socket/drain.js'
import type { ChannelConfig } from './channel-config.js'
import type { ChannelEvents } from './channel-events.js'
import type { ChannelFuture } from './channel-future.js'
import type { ChannelId } from './channel-id.js'
import type { ChannelPipeline } from './channel-pipeline.js'
import type { ChannelPromise } from './channel-promise.js'
import type { OutboundBuffer } from './outbound-buffer.js'

/** What carries a channel's bytes. */
export type TransportName = 'libuv' | 'net' | 'local' | 'embedded'

/**
 * A connection, or a listening socket: its state, its options, its pipeline of handlers and the operations on it.
 *
 *     open ──register──► registered ──connect / bind / accepted──► active ──close──► inactive, unregistered, closed
 *
 * Operations start at the tail of the pipeline and return a future at once. A channel is never thenable: its futures are.
 */
export interface Channel extends AsyncDisposable {
  readonly id: ChannelId
  /** The server channel that accepted this one. */
  readonly parent: Channel | undefined
  readonly pipeline: ChannelPipeline
  /** A ChannelStateError before registration. */
  readonly eventLoop: EventLoop
  readonly config: ChannelConfig
  readonly alloc: ByteBufAllocator
  readonly transport: TransportName

  readonly isOpen: boolean
  readonly isRegistered: boolean
  readonly isActive: boolean
  /** False while more than the high water mark waits to be sent, or a user-defined bit says so: stop writing then. */
  readonly isWritable: boolean
  /** Bytes that may be written before isWritable becomes false; 0 while it is false. */
  readonly bytesBeforeUnwritable: number
  /** Bytes that must leave before isWritable becomes true; 0 while it is true. */
  readonly bytesBeforeWritable: number
  /** Bytes received so far. */
  readonly bytesRead: number
  /** Bytes of completed writes so far: the kernel has taken them. */
  readonly bytesWritten: number
  /** Still readable after close. */
  readonly localAddress: SocketAddress | undefined
  /** Still readable after close. */
  readonly remoteAddress: SocketAddress | undefined
  /** Done when the channel is closed, whoever closed it. */
  readonly closeFuture: ChannelFuture
  /**
   * When bytes last came, and when a message last left whole, in ms of the loop's ticker; 0 before the first. A channel class of your own
   * sets both: idle handlers go by them.
   */
  readonly lastReadAt: number
  readonly lastWriteCompletedAt: number
  /** What waits to be sent; undefined once closed. */
  readonly outboundBuffer: OutboundBuffer | undefined

  /** What happens to this channel, for code outside the pipeline. Made on first use. */
  readonly events: ChannelEvents
  attr<T>(key: AttributeKey<T>): Attribute<T>

  bind(localAddress: SocketAddress, promise?: ChannelPromise): ChannelFuture
  connect(remoteAddress: SocketAddress, localAddress?: SocketAddress, promise?: ChannelPromise): ChannelFuture
  disconnect(promise?: ChannelPromise): ChannelFuture
  /** Closes the channel; writes that have not completed fail with ClosedChannelError. */
  close(promise?: ChannelPromise): ChannelFuture
  deregister(promise?: ChannelPromise): ChannelFuture
  /** Asks for one read of the socket; with AUTO_READ nobody needs to. */
  read(): this
  write(msg: unknown): ChannelFuture
  write<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  flush(): this
  writeAndFlush(msg: unknown): ChannelFuture
  writeAndFlush<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  newPromise(): ChannelPromise

  /**
   * Closes at once with a reset: the peer sees ECONNRESET, and bytes already reported as written may be discarded. While the FIN of
   * shutdownOutput() waits behind queued bytes no reset is possible: the peer sees a part of them, then the end of the stream.
   */
  abort(): ChannelFuture
  /**
   * Flushes, waits until everything written so far has left or failed, and closes. close() alone drops what still waits. The future is that
   * of the close.
   */
  closeAfterFlush(): ChannelFuture
  /** Stops delivering input; what still comes is discarded. */
  shutdownInput(): ChannelFuture
  /**
   * Sends FIN behind the writes that have completed. A write that has not, even one that is partly sent, fails with
   * ChannelOutputShutdownError: await your last one first. Reading goes on.
   */
  shutdownOutput(): ChannelFuture
}

/** A channel that accepts connections; each becomes a child channel, delivered to its pipeline as a message. */
export interface ServerChannel extends Channel {
  readonly remoteAddress: undefined
  /** Its open connections, those whose registration is under way included. */
  readonly connectionCount: number
  /**
   * Stops accepting, tells each connection with a DrainEvent, waits until all have ended, and closes what is left at the deadline
   * (10000 ms unless given). Never fails, and is always done by then.
   */
  drain(options?: DrainOptions): Future<DrainReport>
}

/** A server channel as `bind` gives it: it has an address, for a port or a path of that kind. */
export interface BoundServerChannel<A extends SocketAddress = SocketAddress> extends ServerChannel {
  readonly localAddress: A
}
