import { getLogger } from '@knotty/common'
import { bytesToMessages, type ChannelHandler, type ChannelHandlerContext } from '@knotty/transport'

/** Classes of decoders that a warning has named. */
const warned = new WeakSet<object>()

/** Warns, once for each class of decoder, when the handler of `ctx` stands behind one: it does not see bytes, only whole messages. */
export function warnBehindDecoder(ctx: ChannelHandlerContext): void {
  for (const [name, handler] of ctx.pipeline) {
    if (name === ctx.name) return
    if (handler[bytesToMessages] === true) warn(ctx, handler)
  }
}

function warn(ctx: ChannelHandlerContext, decoder: ChannelHandler): void {
  if (warned.has(decoder.constructor)) return
  warned.add(decoder.constructor)
  getLogger().warn(
    `${ctx.handler.constructor.name} (${ctx.name}) stands behind ${decoder.constructor.name}: bytes of a message that is still coming do not ` +
      'count as read, and a slow peer is called idle (netty#6842); put it first in the pipeline (told once for each class of decoder)',
  )
}
