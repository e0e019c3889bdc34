import type { ChannelHandler, ChannelHandlerContext, ChannelPromise, SocketAddress } from '@knotty/transport'

/** Netty's names of what passes a handler, and of its own coming and going. */
export type HandlerEvent = Exclude<Extract<keyof ChannelHandler, string>, 'isSharable'>

/** Passes every event on as it is, after telling the subclass. */
export abstract class ObservingHandler implements ChannelHandler {
  /** `detail` is the message, the user event, the error or the address that comes with the event. */
  protected abstract saw(event: HandlerEvent, ctx: ChannelHandlerContext, detail?: unknown): void

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.saw('handlerAdded', ctx)
  }

  handlerRemoved(ctx: ChannelHandlerContext): void {
    this.saw('handlerRemoved', ctx)
  }

  channelRegistered(ctx: ChannelHandlerContext): void {
    this.saw('channelRegistered', ctx)
    ctx.fireChannelRegistered()
  }

  channelUnregistered(ctx: ChannelHandlerContext): void {
    this.saw('channelUnregistered', ctx)
    ctx.fireChannelUnregistered()
  }

  channelActive(ctx: ChannelHandlerContext): void {
    this.saw('channelActive', ctx)
    ctx.fireChannelActive()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.saw('channelInactive', ctx)
    ctx.fireChannelInactive()
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.saw('channelRead', ctx, msg)
    ctx.fireChannelRead(msg)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    this.saw('channelReadComplete', ctx)
    ctx.fireChannelReadComplete()
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    this.saw('userEventTriggered', ctx, event)
    ctx.fireUserEventTriggered(event)
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    this.saw('channelWritabilityChanged', ctx, ctx.channel.isWritable)
    ctx.fireChannelWritabilityChanged()
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    this.saw('exceptionCaught', ctx, cause)
    ctx.fireExceptionCaught(cause)
  }

  bind(ctx: ChannelHandlerContext, localAddress: SocketAddress, promise: ChannelPromise): void {
    this.saw('bind', ctx, localAddress)
    ctx.bind(localAddress, promise)
  }

  connect(ctx: ChannelHandlerContext, remote: SocketAddress, local: SocketAddress | undefined, promise: ChannelPromise): void {
    this.saw('connect', ctx, remote)
    ctx.connect(remote, local, promise)
  }

  disconnect(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    this.saw('disconnect', ctx)
    ctx.disconnect(promise)
  }

  close(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    this.saw('close', ctx)
    ctx.close(promise)
  }

  deregister(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    this.saw('deregister', ctx)
    ctx.deregister(promise)
  }

  read(ctx: ChannelHandlerContext): void {
    this.saw('read', ctx)
    ctx.read()
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    this.saw('write', ctx, msg)
    ctx.write(msg, promise)
  }

  flush(ctx: ChannelHandlerContext): void {
    this.saw('flush', ctx)
    ctx.flush()
  }
}
