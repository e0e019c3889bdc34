import type { SocketAddress } from '../socket/address.js'
import type { addedMark } from './added-mark.js'
import type { bytesToMessages } from './bytes-to-messages.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelPromise } from './channel-promise.js'

/**
 * Handles events of a channel. Every method is optional: an event whose method is absent passes this handler by.
 *
 *      I/O ──► head ──► inbound methods, first handler to last ──► tail
 *      I/O ◄── head ◄── outbound methods, last handler to first ◄── channel.write() and the like
 *
 * - A method that wants the event to go on calls the same event on `ctx`: `ctx.fireChannelRead(msg)`, `ctx.write(msg, promise)`.
 * - A throw in an inbound method, in `read` or in `flush` goes to `exceptionCaught` of the *same* handler; a throw in another
 *   outbound method fails that operation's promise. A throw in `exceptionCaught` is logged and goes nowhere.
 * - A method may be async: its rejection goes to `exceptionCaught` of the same handler, and fails the promise of an outbound
 *   operation. Nobody waits for it: the next event may come first.
 * - Methods are looked up when the handler is added; one that is assigned later is not seen.
 * - One instance belongs to one pipeline, unless it says `isSharable = true`.
 *
 * The last user of a reference-counted message releases it; `write` takes ownership.
 */
export interface ChannelHandler {
  /** The same instance may be in many pipelines, or many times in one: it keeps no state of a single channel. */
  readonly isSharable?: boolean
  /** It turns bytes into messages, as a decoder does. */
  readonly [bytesToMessages]?: boolean
  /** The pipeline's: it was added, once and for all. */
  [addedMark]?: boolean

  /** The handler is in the pipeline and ready; runs before any event. */
  handlerAdded?(ctx: ChannelHandlerContext): unknown
  /** The handler is out of the pipeline; no event follows. */
  handlerRemoved?(ctx: ChannelHandlerContext): unknown

  /** The channel belongs to an event loop now. */
  channelRegistered?(ctx: ChannelHandlerContext): unknown
  /** The channel belongs to no event loop any more. */
  channelUnregistered?(ctx: ChannelHandlerContext): unknown
  /** Connected, or (a server) bound. */
  channelActive?(ctx: ChannelHandlerContext): unknown
  /** Was active, is closed. */
  channelInactive?(ctx: ChannelHandlerContext): unknown
  /** A message came: bytes of the peer as a ByteBuf, or what the handler before made of them. The receiver owns it. */
  channelRead?(ctx: ChannelHandlerContext, msg: unknown): unknown
  /** The messages of one read of the socket have all been passed on: the place to flush. */
  channelReadComplete?(ctx: ChannelHandlerContext): unknown
  /** Something another handler, or the transport, wants to tell: see events.ts for the transport's own. */
  userEventTriggered?(ctx: ChannelHandlerContext, event: unknown): unknown
  /** `channel.isWritable` changed; read it again, several changes may have become one event. */
  channelWritabilityChanged?(ctx: ChannelHandlerContext): unknown
  /** An error of this handler, or of an earlier one that passed it on. */
  exceptionCaught?(ctx: ChannelHandlerContext, cause: Error): unknown

  bind?(ctx: ChannelHandlerContext, localAddress: SocketAddress, promise: ChannelPromise): unknown
  connect?(
    ctx: ChannelHandlerContext,
    remoteAddress: SocketAddress,
    localAddress: SocketAddress | undefined,
    promise: ChannelPromise,
  ): unknown
  disconnect?(ctx: ChannelHandlerContext, promise: ChannelPromise): unknown
  close?(ctx: ChannelHandlerContext, promise: ChannelPromise): unknown
  deregister?(ctx: ChannelHandlerContext, promise: ChannelPromise): unknown
  /** Somebody wants the channel to read; with AUTO_READ that is the head, after each read. */
  read?(ctx: ChannelHandlerContext): unknown
  /** `promise` is null when nobody watches this write; pass it on as it is. */
  write?(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): unknown
  flush?(ctx: ChannelHandlerContext): unknown
}
