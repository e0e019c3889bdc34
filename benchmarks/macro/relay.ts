import type { Channel, ChannelHandler, ChannelHandlerContext } from '@knotty/transport'

/** Writes what one side of a proxied connection reads to the other side; the end of one is the end of both. */
export class Relay implements ChannelHandler {
  private readonly other: Channel

  constructor(other: Channel) {
    this.other = other
  }

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.other.write(msg, null)
  }

  channelReadComplete(): void {
    this.other.flush()
  }

  channelInactive(): void {
    this.other.close()
  }
}
