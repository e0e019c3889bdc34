import { release } from '@knotty/buffer'
import type { SocketAddress } from '../socket/address.js'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelPromise } from './channel-promise.js'

/** The first handler of every pipeline: outbound operations end here, in the transport; AUTO_READ starts here. */
export class HeadHandler implements ChannelHandler {
  static readonly INSTANCE: HeadHandler = new HeadHandler()
  readonly isSharable = true

  channelRegistered(ctx: ChannelHandlerContext): void {
    ctx.pipeline.transport.registeredInPipeline()
    ctx.fireChannelRegistered()
  }

  channelUnregistered(ctx: ChannelHandlerContext): void {
    ctx.fireChannelUnregistered()
    if (!ctx.channel.isOpen) ctx.pipeline.destroy()
  }

  /** The handlers see the channel active before any byte: the first read is asked for afterwards. */
  channelActive(ctx: ChannelHandlerContext): void {
    ctx.fireChannelActive()
    if (ctx.channel.config.autoRead) ctx.channel.read()
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.fireChannelReadComplete()
    if (ctx.channel.config.autoRead) ctx.pipeline.readAgain()
  }

  bind(ctx: ChannelHandlerContext, localAddress: SocketAddress, promise: ChannelPromise): void {
    ctx.pipeline.transport.bind0(localAddress, promise)
  }

  connect(
    ctx: ChannelHandlerContext,
    remoteAddress: SocketAddress,
    localAddress: SocketAddress | undefined,
    promise: ChannelPromise,
  ): void {
    ctx.pipeline.transport.connect0(remoteAddress, localAddress, promise)
  }

  disconnect(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    ctx.pipeline.transport.disconnect0(promise)
  }

  close(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    ctx.pipeline.transport.close0(promise)
  }

  deregister(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    ctx.pipeline.transport.deregister0(promise)
  }

  read(ctx: ChannelHandlerContext): void {
    ctx.pipeline.transport.beginRead()
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    ctx.pipeline.transport.write0(msg, promise)
  }

  flush(ctx: ChannelHandlerContext): void {
    ctx.pipeline.transport.flush0()
  }
}

/** The last handler of every pipeline: what arrives here nobody handled. */
export class TailHandler implements ChannelHandler {
  static readonly INSTANCE: TailHandler = new TailHandler()
  readonly isSharable = true

  channelRegistered(): void {}
  channelUnregistered(): void {}
  channelActive(): void {}
  channelInactive(): void {}
  channelReadComplete(): void {}
  channelWritabilityChanged(): void {}

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.pipeline.transport.onUnhandledMessage(ctx, msg)
  }

  userEventTriggered(_ctx: ChannelHandlerContext, event: unknown): void {
    release(event)
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    ctx.pipeline.transport.onUncaughtException(ctx, cause)
  }
}
