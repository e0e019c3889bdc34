import { checkOptions, IllegalArgumentError } from '@knotty/common'
import { type Channel, type ChannelHandler, type ChannelHandlerContext, ChannelOutputShutdownEvent } from '@knotty/transport'

/** Options of {@link BackPressureHandler}. */
export interface BackPressureHandlerOptions {
  /** The channel what is read here is written to; without it the handler's own. */
  readonly peer?: Channel
}

/**
 * Reads no more while what was read cannot be written: read() is held back while the channel it is written to is not writable, and goes
 * on when that changes. One for each pipeline, first in it; works with AUTO_READ on (the head asks for each read) and off (whoever asks
 * waits). SwiftNIO: BackPressureHandler.
 *
 *     echo: written to the channel itself             ch.pipeline.addLast(new BackPressureHandler(), new Echo())
 *
 *     proxy: each side waits for the other one
 *
 *         client ──► front ──write──► back ──► server        front.pipeline.addFirst(new BackPressureHandler({ peer: back }))
 *         client ◄── front ◄──write── back ◄── server        back.pipeline.addFirst(new BackPressureHandler({ peer: front }))
 *
 * A peer that is not active yet holds reads back too: the `channel` of a connect's future is a peer from the start, and nothing is read
 * before there is somebody to write it to. Once the peer is closed, reads pass, one that waits too, and so they do after its output was
 * shut down: else the end of this connection would never be seen. Closing it then is up to the owner of both.
 *
 * Holding a read back flushes what it waits for: bytes that were written and never flushed would keep the channel unwritable for ever.
 * What arrived before is delivered still: one chunk, or what a decoder had cut already ({@link FlowControlHandler} stops that as well).
 */
export class BackPressureHandler implements ChannelHandler {
  private readonly peer: Channel | undefined
  private ctx: ChannelHandlerContext | undefined = undefined
  /** A read that waits: asked for with AUTO_READ on, and taken back when that is turned off meanwhile, or with it off. */
  private held: 'none' | 'auto' | 'manual' = 'none'

  constructor(options: BackPressureHandlerOptions = {}) {
    checkOptions(options, 'new BackPressureHandler({ peer: channel })')
    const { peer } = options
    if (peer !== undefined && typeof (peer as Partial<Channel> | null)?.isWritable !== 'boolean') {
      throw new IllegalArgumentError(`peer: ${String(peer)} (expected: a channel)`)
    }
    this.peer = peer
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.ctx = ctx
    this.peer?.events.on('active', this.resume).on('writability', this.resume).on('close', this.resume)
  }

  /** A read that waits goes on: nobody else knows of it. */
  handlerRemoved(ctx: ChannelHandlerContext): void {
    this.peer?.events.off('active', this.resume).off('writability', this.resume).off('close', this.resume)
    this.ctx = undefined
    this.readHeld(ctx)
  }

  read(ctx: ChannelHandlerContext): void {
    if (this.mayRead(ctx)) return void ctx.read()
    this.held = ctx.channel.config.autoRead ? 'auto' : 'manual'
    if (this.peer === undefined) ctx.flush()
    else if (this.peer.isActive) this.peer.flush()
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    this.resume()
    ctx.fireChannelWritabilityChanged()
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event === ChannelOutputShutdownEvent.INSTANCE) this.resume()
    ctx.fireUserEventTriggered(event)
  }

  private readonly resume = (): void => {
    if (this.ctx !== undefined && this.mayRead(this.ctx)) this.readHeld(this.ctx)
  }

  /** Before its own channel is active there is nothing to wait for: the transport drops that read, and the head asks for the first. */
  private mayRead(ctx: ChannelHandlerContext): boolean {
    if (this.peer !== undefined) return takesWrites(this.peer)
    return !ctx.channel.isActive || takesWrites(ctx.channel)
  }

  private readHeld(ctx: ChannelHandlerContext): void {
    const { held } = this
    this.held = 'none'
    if (held === 'manual' || (held === 'auto' && ctx.channel.config.autoRead)) ctx.read()
  }
}

/** Also one that will never take any more: waiting for it would have no end. */
function takesWrites(channel: Channel): boolean {
  if (!channel.isOpen || channel.outboundBuffer === undefined) return true
  return channel.isActive && channel.isWritable
}
