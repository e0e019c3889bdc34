import type { ChannelHandler } from './channel-handler.js'
import { ChannelPipelineError } from './errors.js'

/** Handlers that were added once and are not sharable. Removal does not take them out: their state is that of the one channel. */
const used = new WeakSet<ChannelHandler>()

/** The handler is in a pipeline now. */
export function markUsed(handler: ChannelHandler): void {
  if (handler.isSharable !== true) used.add(handler)
}

/** A {@link ChannelPipelineError} for a handler that was in a pipeline before and is not sharable. */
export function checkUsable(handler: ChannelHandler, className: string): void {
  if (handler.isSharable === true || !used.has(handler)) return
  throw new ChannelPipelineError(
    `this ${className} instance was added to a pipeline before and is not sharable: make a new one for each channel ` +
      `(childHandler((ch) => ch.pipeline.addLast(new ${className}()))), or let it say isSharable = true if it keeps no state of a channel`,
    undefined,
    'ERR_KNOTTY_HANDLER_NOT_SHARABLE',
  )
}
