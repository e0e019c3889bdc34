import { Unpooled } from '@knotty/buffer'
import type { ChannelHandler, ChannelHandlerContext, ChannelPipeline } from '@knotty/transport'
import type { Cell } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'
import { described, DescribeFrames, frameOf, newFramer } from '../stream-handlers.js'

const FRAMES = Array.from({ length: 150 }, (_, index) => (index * 7919) % 3000)

/** A stage messages go through, both ways. */
class PassOn implements ChannelHandler {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.fireChannelRead(msg)
  }
}

/** Sends all frames at once to a server that does `edit` at each frame it reads. */
async function underLoad(cell: Cell, edit: (pipeline: ChannelPipeline, index: number) => void): Promise<void> {
  let index = 0
  const pair = await cell.pair({ on: { read: (side) => edit(side.channel.pipeline, index++) } , below: () => [] })
  await send(cell, pair)
}

async function send(cell: Cell, pair: Awaited<ReturnType<Cell['pair']>>): Promise<void> {
  for (const length of FRAMES) pair.client.channel.write(Unpooled.wrappedBuffer(frameOf(length)), null)
  pair.client.channel.flush()
  await pair.server.until(() => pair.server.inbound.length >= FRAMES.length + 2)
  await cell.finish(pair)
}

export const PIPELINE_EDITS: readonly Scenario[] = []
void [underLoad, PassOn, described, DescribeFrames, newFramer, CLOSED_HERE, CLOSED_THERE, life]
