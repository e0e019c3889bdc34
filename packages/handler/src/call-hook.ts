import { toError } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'

/** Calls what a subclass may override: what that throws, or rejects with, goes to exceptionCaught of the next handler. */
export function callHook(ctx: ChannelHandlerContext, hook: () => unknown): void {
  try {
    const result = hook()
    if (result instanceof Promise) result.catch((error: unknown) => ctx.fireExceptionCaught(toError(error)))
  } catch (error) {
    ctx.fireExceptionCaught(toError(error))
  }
}
