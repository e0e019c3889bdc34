import type { ChannelHandlerContext } from '@knotty/transport'

/* What came of the read under way (field `state` of StarvedRead). */
/** Nothing was read yet. */
const UNREAD = 0
/** Messages were decoded, and nothing came of them. */
const STARVED = 1
/** The next handlers got something. */
const FED = 2

/**
 * Finds reads that gave the next handlers nothing: with AUTO_READ off nobody there would ask for the next. Netty: 4.1.118 and later.
 *
 * A sharable decoder stands in many channels, and a read of one may run inside a read of another. So the state is that of one context, and
 * is put aside when another one comes in between.
 */
export class StarvedRead {
  /** Whose read is under way; undefined between reads. */
  private ctx: ChannelHandlerContext | undefined = undefined
  private state = UNREAD
  /** The states that were put aside. Weak: a channel that goes inside its own read never completes it. */
  private others: WeakMap<ChannelHandlerContext, number> | undefined = undefined

  /** A message was decoded and `messages` came of it. */
  note(ctx: ChannelHandlerContext, messages: number): void {
    if (ctx !== this.ctx) this.turnTo(ctx)
    if (messages > 0) this.state = FED
    else if (this.state === UNREAD) this.state = STARVED
  }

  passOn(ctx: ChannelHandlerContext, msg: unknown): void {
    if (ctx !== this.ctx) this.turnTo(ctx)
    this.state = FED
    ctx.fireChannelRead(msg)
  }

  readComplete(ctx: ChannelHandlerContext): void {
    if (ctx !== this.ctx) this.turnTo(ctx)
    const starved = this.state === STARVED
    this.ctx = undefined
    if (starved && !ctx.channel.config.autoRead) ctx.read()
    ctx.fireChannelReadComplete()
  }

  private turnTo(ctx: ChannelHandlerContext): void {
    if (this.ctx !== undefined) (this.others ??= new WeakMap()).set(this.ctx, this.state)
    this.ctx = ctx
    this.state = this.others?.get(ctx) ?? UNREAD
    this.others?.delete(ctx)
  }
}
