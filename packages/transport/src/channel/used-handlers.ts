import { addedMark } from './added-mark.js'
import type { ChannelHandler } from './channel-handler.js'
import { ChannelPipelineError } from './errors.js'

/** Those added once that are not sharable, and have no {@link addedMark}. Removal does not take them out: their state is that of the one channel. */
const used = new WeakSet<ChannelHandler>()

/** The handler is in a pipeline now. */
export function markUsed(handler: ChannelHandler): void {
  if (handler[addedMark] !== undefined) handler[addedMark] = true
  else if (handler.isSharable !== true) used.add(handler)
}

/** A {@link ChannelPipelineError} for a handler that was in a pipeline before and is not sharable. */
export function checkUsable(handler: ChannelHandler, className: string): void {
  if (handler.isSharable === true || !(handler[addedMark] ?? used.has(handler))) return
  throw new ChannelPipelineError(
    `this ${className} instance was added to a pipeline before and is not sharable: make a new one for each channel ` +
      `(childHandler((ch) => ch.pipeline.addLast(new ${className}()))), or let it say isSharable = true if it keeps no state of a channel`,
    undefined,
    'ERR_KNOTTY_HANDLER_NOT_SHARABLE',
  )
}
