import { type ChannelHandler, type ChannelHandlerContext, IdleStateEvent } from 'knotty'

/**
 * Closes a connection on which nothing came for so many intervals in a row. Anything that comes is a sign of life, not only a beat, and
 * sets the count back; it stands right behind the IdleStateHandler, where it sees every byte.
 */
export class MissedBeatsHandler implements ChannelHandler {
  private readonly maxMissed: number
  private readonly onDead: (ctx: ChannelHandlerContext, missed: number) => void
  private missed = 0

  /** @param onDead told just before the connection is closed */
  constructor(maxMissed: number, onDead: (ctx: ChannelHandlerContext, missed: number) => void) {
    this.maxMissed = maxMissed
    this.onDead = onDead
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.missed = 0
    ctx.fireChannelRead(msg)
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (!(event instanceof IdleStateEvent) || event.state !== 'READER_IDLE') return void ctx.fireUserEventTriggered(event)
    if (++this.missed < this.maxMissed) return
    this.onDead(ctx, this.missed)
    ctx.close()
  }
}
