// Cost per message against the length of the pipeline: a message passed through 1 to 64 handlers of eight classes, inbound and outbound.
//
// Run:   npm run bench -- --filter pipeline-length
// Read:  nanoseconds a message. The curve is a straight line: what a hop costs does not depend on how many there are.
import { bench, pipelineHarness } from '@knotty/bench'
import type { ChannelHandler, ChannelHandlerContext, ChannelPromise } from '@knotty/transport'

const LENGTHS = [1, 2, 4, 8, 16, 32, 64]
const CLASSES = 8
const MESSAGES = 64

/** A class of its own each time, as the handlers of a real pipeline are. */
function forwardingClass(): new () => ChannelHandler {
  return class {
    channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
      ctx.fireChannelRead(msg)
    }

    write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
      ctx.write(msg, promise)
    }
  }
}

const classes = Array.from({ length: CLASSES }, forwardingClass)
const handlers = (length: number): ChannelHandler[] => Array.from({ length }, (_, index) => new classes[index % CLASSES]!())

for (const length of LENGTHS) {
  bench(
    `inbound, length ${length}`,
    () => {
      const message = { text: 'hello' }
      const { channel } = pipelineHarness(...handlers(length))
      const { pipeline } = channel
      return () => {
        for (let index = 0; index < MESSAGES; index++) pipeline.fireChannelRead(message)
        pipeline.fireChannelReadComplete()
      }
    },
    { perRun: MESSAGES },
  )
}

for (const length of LENGTHS) {
  bench(
    `outbound, length ${length}`,
    () => {
      const message = { text: 'hello' }
      const { write, flush } = pipelineHarness(...handlers(length))
      return () => {
        for (let index = 0; index < MESSAGES; index++) write(message)
        flush()
      }
    },
    { perRun: MESSAGES },
  )
}
