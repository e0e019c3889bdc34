import { checkDurationMs, checkOptions } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import type { IdleStateEvent } from './idle-state-event.js'
import { IdleStateHandler } from './idle-state-handler.js'
import { ReadTimeoutError } from './timeout-errors.js'

/** Options of a {@link ReadTimeoutHandler}. */
export interface ReadTimeoutHandlerOptions {
  /** How long nothing may be read, in ms; 0 turns it off. */
  readonly timeoutMs: number
}

/**
 * Closes a channel from which nothing was read for some time: a {@link ReadTimeoutError} goes to exceptionCaught of the next handler, then
 * the channel is closed. What counts as read, and where the handler belongs (first), is as for an {@link IdleStateHandler}.
 *
 *     channel.pipeline.addLast(new ReadTimeoutHandler({ timeoutMs: 30_000 }), framer, handler)
 */
export class ReadTimeoutHandler extends IdleStateHandler {
  private timedOut = false

  constructor(options: ReadTimeoutHandlerOptions) {
    checkOptions(options, 'new ReadTimeoutHandler({ timeoutMs })')
    super({ readerIdleMs: checkDurationMs(options.timeoutMs, 'timeoutMs') })
  }

  protected override channelIdle(ctx: ChannelHandlerContext, _event: IdleStateEvent): void | Promise<void> {
    return this.readTimedOut(ctx)
  }

  /** Called each time the time is over; the default acts once. An error of it goes to exceptionCaught of the next handler. */
  protected readTimedOut(ctx: ChannelHandlerContext): void | Promise<void> {
    if (this.timedOut) return
    this.timedOut = true
    ctx.fireExceptionCaught(new ReadTimeoutError(this.readerIdleMs))
    ctx.close()
  }
}
