import { checkFunction, checkOptions, getLogger, toError } from '@knotty/common'
import { AsyncInbound, type AsyncInboundOptions, type InboundSource } from './async-inbound.js'
import { AsyncOutbound } from './async-outbound.js'
import type { Channel } from './channel.js'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import { ChannelStateError, ClosedChannelError } from './errors.js'
import { ChannelInputShutdownEvent, ChannelOutputShutdownEvent } from './events.js'
import { isPeerCondition } from './peer-conditions.js'
import type { HandlerTypes, Pass } from './typed-pipeline.js'

/** Options of an {@link AsyncChannel}. */
export type AsyncChannelOptions = AsyncInboundOptions

/** Serves one connection; when its promise settles the connection is closed. */
export type AsyncChannelServer<In, Out> = (channel: AsyncChannel<In, Out>) => Promise<unknown>

/**
 * The last handler of a pipeline, behind which a connection is read and written with `for await` and `await`: protocol in handlers, work
 * in plain async code. SwiftNIO: NIOAsyncChannel.
 *
 *     // a server: one call for each connection, which is closed when the promise settles
 *     new ServerBootstrap().childPipeline((p) => p.addLast(new Framer()).addLast(new Codec()).addLast(
 *       AsyncChannel.serve<Request, Response>(async (ch) => {
 *         for await (const request of ch.inbound) await ch.outbound.write(await answer(request))
 *       })))
 *
 *     // a client
 *     const ch = new AsyncChannel<Response, Request>()
 *     await new Bootstrap().pipeline((p) => p.addLast(new Framer()).addLast(new Codec()).addLast(ch)).connect(9000)
 *     await ch.outbound.write(new Request())
 *     for await (const response of ch.inbound) …
 *
 * Added in the initializer it misses no message: what comes before somebody iterates waits. One that is added later
 * ({@link AsyncChannel.wrap}) gets what comes from then on.
 *
 * **Backpressure.** When `highWaterMark` messages wait, AUTO_READ is turned off; when `lowWaterMark` are left, on again. What was read
 * already still comes, so no more wait than `highWaterMark - 1` and what one read (64 KiB, the read slab) decodes to. The marks count
 * messages: the bytes are bounded by what the decoders let through. An AUTO_READ that somebody else turned off stays off, and then it is
 * they who call `channel.read()`; only while it is off because of the marks the two cannot be told apart.
 *
 * **The end of inbound.** The loop ends when the channel is closed, or the peer's FIN came with ALLOW_HALF_CLOSURE, once all messages were
 * given out. Leaving it early (break, return, throw) closes the channel, because nobody reads any more; so does `await using`. Then what waits
 * is released. After a loop that came to its end the channel may still be open for writing: `outbound.finish()` or `channel.close()`.
 *
 * **Errors.** An exception no handler took is thrown by the loop behind the messages that came before, and the channel is closed, unless
 * `pipeline.closeOnUncaught` is false; what comes then is released. The tail gets a second one, and one that comes before anybody iterates:
 * that one it tells of at once, and the loop throws it too.
 *
 * **Ownership.** A message belongs to the reader. A ByteBuf is kept soundly: one whose bytes are in the loop's read slab is copied once,
 * when the read is over, and the same goes for frames that share it.
 *
 * One AsyncChannel belongs to one channel. It takes all messages and forwards events; what is written past it passes.
 */
export class AsyncChannel<In = unknown, Out = unknown> implements ChannelHandler, AsyncDisposable {
  /** For the compiler, see {@link HandlerTypes}: nothing is there at run time. */
  declare readonly handlerTypes: HandlerTypes<In, never, Pass, Out>

  /** The messages of the peer, for one reader. */
  readonly inbound: AsyncInbound<In>
  /** Where to write. */
  readonly outbound: AsyncOutbound<Out>
  private ctx: ChannelHandlerContext | undefined = undefined
  private server: AsyncChannelServer<In, Out> | undefined = undefined

  /** An IllegalArgumentError for water marks that are none, or options that are no object. */
  constructor(options: AsyncChannelOptions = {}) {
    checkOptions(options, 'new AsyncChannel({ highWaterMark, lowWaterMark })')
    this.inbound = new AsyncInbound<In>(this.inboundSource(), options)
    this.outbound = new AsyncOutbound<Out>(() => this.channel)
  }

  /**
   * Adds one as the last handler of a channel and returns it. In an initializer nothing is missed; on a channel that reads already, what
   * came before has gone to the other handlers.
   */
  static wrap<In = unknown, Out = unknown>(channel: Channel, options?: AsyncChannelOptions): AsyncChannel<In, Out> {
    const wrapped = new AsyncChannel<In, Out>(options)
    channel.pipeline.addLast(wrapped)
    // its handlers have been told of the end already: nobody would tell this one
    if (!channel.isOpen) wrapped.inbound.end()
    return wrapped
  }

  /**
   * One that calls `server` when its channel is active, and closes the channel when the promise settles: after what was written has left,
   * or at once when it rejects. What it rejects with goes on to the tail, which tells of it; not so the end of the connection itself.
   */
  static serve<In = unknown, Out = unknown>(
    server: AsyncChannelServer<In, Out>,
    options?: AsyncChannelOptions,
  ): AsyncChannel<In, Out> {
    const channel = new AsyncChannel<In, Out>(options)
    channel.server = checkFunction(server, 'server')
    return channel
  }

  /** The channel it was added to; a {@link ChannelStateError} before that. */
  get channel(): Channel {
    if (this.ctx === undefined) throw new ChannelStateError('the AsyncChannel is not in a pipeline yet: add it first')
    return this.ctx.channel
  }

  /**
   * Closes the channel and ends the iteration; messages that wait are released, and writes that have not left fail. `channel.close()` lets
   * the reader have what waits.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.inbound.close()
    await this.ctx?.channel.close()
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.ctx = ctx
    // the peer has ended already: the event has passed, nobody would tell this one
    if ((ctx.channel as { readonly isInputShutdown?: boolean }).isInputShutdown === true) this.inbound.end()
    // Added to a channel that is active already. In an initializer channelActive comes first, perhaps after an async one.
    if (this.server !== undefined && ctx.channel.isActive) {
      ctx.eventLoop.execute(() => {
        if (ctx.pipeline.initializing === undefined && ctx.channel.isActive) this.start(ctx)
      })
    }
  }

  handlerRemoved(ctx: ChannelHandlerContext): void {
    this.inbound.end()
    this.outbound.detach()
    if (ctx.channel.isOpen) this.inbound.detach()
  }

  channelActive(ctx: ChannelHandlerContext): void {
    ctx.fireChannelActive()
    this.start(ctx)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.inbound.end()
    this.outbound.wake()
    ctx.fireChannelInactive()
  }

  channelRead(_ctx: ChannelHandlerContext, msg: In): void {
    this.inbound.offer(msg)
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    if (ctx.channel.isWritable) this.outbound.wake()
    ctx.fireChannelWritabilityChanged()
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof ChannelInputShutdownEvent) this.inbound.end()
    else if (event instanceof ChannelOutputShutdownEvent) this.outbound.wake()
    ctx.fireUserEventTriggered(event)
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    // The tail tells of it, counts it and closes, so that one is not lost when nobody reads.
    if (!this.inbound.end(cause) || !this.inbound.isIterated) return void ctx.fireExceptionCaught(cause)
    if (isPeerCondition(cause)) ctx.eventLoop.counters.peerErrors++
    if (ctx.pipeline.closeOnUncaught) ctx.close()
  }

  private inboundSource(): InboundSource {
    const own = (): Channel | undefined => this.ctx?.channel
    return {
      get isAttached() {
        return own() !== undefined
      },
      pause: () => {
        const config = own()?.config
        if (config === undefined || !config.autoRead) return false
        config.autoRead = false
        return true
      },
      resume: () => {
        const channel = own()
        if (channel?.isOpen === true) channel.config.autoRead = true
      },
      close: () => this[Symbol.asyncDispose](),
    }
  }

  private start(ctx: ChannelHandlerContext): void {
    const { server } = this
    if (server === undefined) return
    this.server = undefined
    void this.run(ctx, server)
  }

  /** Never rejects. */
  private async run(ctx: ChannelHandlerContext, server: AsyncChannelServer<In, Out>): Promise<void> {
    try {
      await server(this)
      this.inbound.close()
      ctx.channel.closeAfterFlush()
    } catch (thrown) {
      const cause = toError(thrown)
      this.inbound.close()
      if (isEndOf(ctx.channel, cause)) getLogger().debug(`${String(ctx.channel)}: the connection ended while it was served`, cause)
      else ctx.fireExceptionCaught(cause)
      ctx.channel.close()
    }
  }
}

/** The peer closed, or broke, the connection while it was served: told already, or nothing to tell. */
function isEndOf(channel: Channel, cause: Error): boolean {
  return !channel.isOpen && (cause instanceof ClosedChannelError || isPeerCondition(cause))
}
