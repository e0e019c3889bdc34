import { ByteBuf, ResourceLeakDetector, type Storage } from '@knotty/buffer'
import type { Channel } from './channel.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import { classNameOf } from './dispatch-table.js'

/** The chunk of a read slab that was delivered last in this thread, and who got it last. Set from level advanced on. */
let lastChunk: Storage | undefined
let lastReader: ChannelHandlerContext | undefined

/** A handler gets a message: what the dispatch tables call first that are made at leak-detector level advanced and above. */
export function noteReader(ctx: ChannelHandlerContext, msg: unknown): void {
  if (!ByteBuf.isByteBuf(msg)) return
  const { storage } = msg
  if (storage.piece?.leak !== undefined) msg.touch(`${ctx.name} of ${String(ctx.channel)}`)
  if (!storage.slab) return
  lastChunk = storage
  lastReader = ctx
}

/**
 * A chunk is still held when its read is over and costs a copy: names the handler that got it last, or a part of it, once for each class.
 * One that waits in the channel's own outbound buffer is held by a slow peer and no handler.
 */
export function reportHeldChunk(channel: Channel, chunk: Storage): void {
  const reader = lastChunk === chunk ? lastReader : undefined
  lastChunk = undefined
  lastReader = undefined
  // Without a reader nobody got it, or only handlers that were added below level advanced.
  if (reader === undefined || channel.outboundBuffer?.holds(chunk) === true) return
  const site = `handler of class ${classNameOf(reader.handler)}`
  ResourceLeakDetector.report('read slab chunk', site, site, [], () => {
    const advice = 'copied because of that: it was forgotten, or kept, or waits to be written to another channel'
    return `${channel.toString()}: a chunk was still held when its read was over, last seen by "${reader.name}" (${site}), and was ${advice} (told once)`
  })
}
