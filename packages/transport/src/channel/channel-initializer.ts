import { toError } from '@knotty/common'
import type { Channel } from './channel.js'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'

/** Builds the pipeline of one channel. May be async: registration waits for it. */
export type ChannelInitializerFunction<C extends Channel = Channel> = (channel: C) => unknown

/**
 * Runs once when its channel is registered, then leaves the pipeline. What it adds stands in its own place and order.
 *
 * When the function throws, or its promise rejects, the channel is closed. While the promise is pending the channel is held back:
 * no channelRegistered, no channelActive, no read.
 *
 *     new ChannelInitializer((ch) => { ch.pipeline.addLast(new Framer(), new Echo()) })
 */
export class ChannelInitializer<C extends Channel = Channel> implements ChannelHandler {
  readonly isSharable = true
  private readonly fn: ChannelInitializerFunction<C> | undefined

  /** @param fn what builds the pipeline; a subclass overrides {@link initChannel} instead */
  constructor(fn?: ChannelInitializerFunction<C>) {
    this.fn = fn
  }

  /** Builds the pipeline. */
  protected initChannel(channel: C): unknown {
    return this.fn?.(channel)
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    let result: unknown
    try {
      result = this.initChannel(ctx.channel as C)
    } catch (thrown) {
      this.fail(ctx, toError(thrown))
    } finally {
      if (!(result instanceof Promise)) this.leave(ctx)
    }
    if (!(result instanceof Promise)) return
    const settled = result.then(
      () => this.leave(ctx),
      (thrown: unknown) => {
        this.fail(ctx, toError(thrown))
        this.leave(ctx)
      },
    )
    ctx.pipeline.holdRegistration(settled)
  }

  private leave(ctx: ChannelHandlerContext): void {
    ctx.pipeline.removeContext(ctx)
  }

  private fail(ctx: ChannelHandlerContext, cause: Error): void {
    ctx.pipeline.transport.initializationFailed(cause)
    ctx.close()
  }
}
