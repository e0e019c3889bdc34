import { ByteBuf, ResourceLeakDetector, type Storage } from '@knotty/buffer'
import type { Channel } from './channel.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import { classNameOf } from './dispatch-table.js'
import type { OutboundBuffer } from './outbound-buffer.js'

/** The chunk of a read slab that was delivered last in this thread, and who got it last. Set from level advanced on. */
let lastChunk: Storage | undefined
let lastReader: ChannelHandlerContext | undefined
/** Where bytes of it were written to meanwhile. */
let writtenTo: OutboundBuffer[] = []

/** A handler gets a message: what the dispatch tables call first that are made at leak-detector level advanced and above. */
export function noteReader(ctx: ChannelHandlerContext, msg: unknown): void {
  if (!ByteBuf.isByteBuf(msg)) return
  const { storage } = msg
  if (storage.piece?.leak !== undefined) msg.touch(`${ctx.name} of ${String(ctx.channel)}`)
  if (!storage.slab) return
  if (lastChunk !== storage) writtenTo = []
  lastChunk = storage
  lastReader = ctx
}

/** A message was added to an outbound buffer, at level advanced and above. */
export function noteWritten(msg: unknown, outboundBuffer: OutboundBuffer): void {
  if (lastChunk === undefined || !ByteBuf.isByteBuf(msg) || !msg.storage.includes(lastChunk)) return
  if (!writtenTo.includes(outboundBuffer)) writtenTo.push(outboundBuffer)
}

/**
 * A chunk is still held when its read is over and costs a copy: names the handler that got it last, or a part of it, once for each class.
 * One that waits in an outbound buffer, the channel's own or that of another one, is held by a slow peer and no handler.
 */
export function reportHeldChunk(channel: Channel, chunk: Storage): void {
  const reader = lastChunk === chunk ? lastReader : undefined
  const buffers = writtenTo
  lastChunk = undefined
  lastReader = undefined
  writtenTo = []
  // Without a reader nobody got it, or only handlers that were added below level advanced.
  if (reader === undefined || buffers.some((buffer) => buffer.holds(chunk))) return
  const site = `handler of class ${classNameOf(reader.handler)}`
  ResourceLeakDetector.report('read slab chunk', site, site, [], () => {
    const advice = 'copied because of that: it was forgotten, or kept'
    return `${channel.toString()}: a chunk was still held when its read was over, last seen by "${reader.name}" (${site}), and was ${advice} (told once)`
  })
}
