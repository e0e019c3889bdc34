import type { ChannelFuture } from './channel-future.js'

/** Listeners for the last write of a connection: `ctx.writeAndFlush(msg).addListener(ChannelFutureListener.CLOSE)`. */
export const ChannelFutureListener: {
  /** Closes the channel of the future, however the operation ended. */
  readonly CLOSE: (future: ChannelFuture<unknown>) => void
  /** Closes it when the operation failed or was cancelled. */
  readonly CLOSE_ON_FAILURE: (future: ChannelFuture<unknown>) => void
  /** Fires exceptionCaught with the cause when the operation failed. */
  readonly FIRE_EXCEPTION_ON_FAILURE: (future: ChannelFuture<unknown>) => void
} = {
  CLOSE: (future) => void future.channel.close(),
  CLOSE_ON_FAILURE: (future) => {
    if (!future.isSuccess) future.channel.close()
  },
  FIRE_EXCEPTION_ON_FAILURE: (future) => {
    if (future.cause !== undefined) future.channel.pipeline.fireExceptionCaught(future.cause)
  },
}
