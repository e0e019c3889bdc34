import { type Channel, type ChannelHandler, type ChannelHandlerContext, ChannelInputShutdownEvent, Unpooled } from 'knotty'

/** Writes what one side of a proxied connection reads to the other side, and ends the other side as its own ends. */
export class RelayHandler implements ChannelHandler {
  private readonly other: Channel

  constructor(other: Channel) {
    this.other = other
  }

  /** The write takes the buffer over: its bytes are neither copied nor looked at. */
  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.other.write(msg, null)
  }

  channelReadComplete(_ctx: ChannelHandlerContext): void {
    this.other.flush()
  }

  /** This side's peer sends no more, but may still read: what it sent is passed on, then the end of it. */
  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof ChannelInputShutdownEvent) {
      this.other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(() => this.other.shutdownOutput())
    }
    ctx.fireUserEventTriggered(event)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    if (this.other.isActive) this.other.closeAfterFlush()
    else this.other.close() // a connect under way ends too
    ctx.fireChannelInactive()
  }
}
