// Events through a pipeline of eight handlers of four classes that leave all of them to the next: what a channel pays for handlers
// that do nothing with an event, and for one that passes it on.
//
// Run:   npm run bench -- --filter pipeline-events
// Read:  nanoseconds an event, over the whole pipeline; a write includes its place in the outbound buffer and its share of the flush.
import { bench, pipelineHarness } from '@knotty/bench'
import type { ChannelHandler, ChannelHandlerContext } from '@knotty/transport'

const HANDLERS = 8
const BATCH = 64

class Inbound {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.fireChannelRead(msg)
  }
}
class Complete {
  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.fireChannelReadComplete()
  }
}
class Outbound {
  write(ctx: ChannelHandlerContext, msg: unknown, promise: Parameters<NonNullable<ChannelHandler['write']>>[2]): void {
    ctx.write(msg, promise)
  }
}
class Events {
  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    ctx.fireUserEventTriggered(event)
  }
}

const KINDS = [Inbound, Complete, Outbound, Events]
const handlers = (): ChannelHandler[] => Array.from({ length: HANDLERS }, (_, index) => new KINDS[index % KINDS.length]!())
const MESSAGE = { size: 1 }

bench('fireChannelRead', () => {
  const { channel } = pipelineHarness(...handlers())
  return () => channel.pipeline.fireChannelRead(MESSAGE)
})
bench('fireChannelReadComplete', () => {
  const { channel, readMessage } = pipelineHarness(...handlers())
  readMessage(MESSAGE)
  return () => channel.pipeline.fireChannelReadComplete()
})
bench('fireUserEventTriggered', () => {
  const { channel, readMessage } = pipelineHarness(...handlers())
  readMessage(MESSAGE)
  return () => channel.pipeline.fireUserEventTriggered(MESSAGE)
})
bench('write(msg, null), 64 a flush', () => {
  const { channel, flush } = pipelineHarness(...handlers())
  return () => {
    for (let index = 0; index < BATCH; index++) channel.write(MESSAGE, null)
    flush()
  }
}, { perRun: BATCH })
bench('write(msg) with a future, 64 a flush', () => {
  const { channel, flush } = pipelineHarness(...handlers())
  return () => {
    for (let index = 0; index < BATCH; index++) channel.write(MESSAGE)
    flush()
  }
}, { perRun: BATCH })
