import { type ChannelHandler, type ChannelHandlerContext, IdleStateEvent } from 'knotty'
import { BEAT } from './beat-protocol.js'

/** Sends a beat when nothing was written for a while: a connection that has something to say needs none. It keeps no state. */
export class BeatHandler implements ChannelHandler {
  readonly isSharable = true

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof IdleStateEvent && event.state === 'WRITER_IDLE') ctx.writeAndFlush(BEAT, null)
    else ctx.fireUserEventTriggered(event)
  }
}
