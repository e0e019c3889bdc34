import { checkFunction, checkOptions, logRejection } from '@knotty/common'
import { type ChannelHandler, type ChannelHandlerContext, reportUncaughtException } from '@knotty/transport'

/** Options of {@link CloseOnErrorHandler}. */
export interface CloseOnErrorHandlerOptions {
  /**
   * Told of the exception instead of the log, before the close. What it writes and flushes still leaves as far as the kernel takes it at
   * once; nobody waits for it. What it throws, or rejects with, is logged.
   */
  readonly onError?: (ctx: ChannelHandlerContext, cause: Error) => unknown
}

/**
 * The last handler: closes the channel on an exception that no other one took. The tail of every pipeline does the same by default; this
 * one is for a pipeline with `closeOnUncaught = false`, or to have a function called. Without one the exception is logged as the tail
 * does: one line, ten a second at most, and what peers do any day (ECONNRESET and the like) only counted.
 */
export class CloseOnErrorHandler implements ChannelHandler {
  readonly isSharable = true
  private readonly onError: ((ctx: ChannelHandlerContext, cause: Error) => unknown) | undefined

  constructor(options: CloseOnErrorHandlerOptions = {}) {
    checkOptions(options, 'new CloseOnErrorHandler({ onError })')
    this.onError = options.onError === undefined ? undefined : checkFunction(options.onError, 'onError')
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    try {
      if (this.onError === undefined) reportUncaughtException(ctx.channel, cause, true)
      else logRejection(this.onError(ctx, cause), 'onError of a CloseOnErrorHandler')
    } finally {
      ctx.close()
    }
  }
}
