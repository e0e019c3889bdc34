import { Unpooled } from '@knotty/buffer'
import { LengthFieldBasedFrameDecoder } from '@knotty/codec'
import type { ChannelHandler, ChannelHandlerContext, ChannelPipeline, ChannelPromise } from '@knotty/transport'
import type { Cell } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'
import { described, DescribeFrames, frameOf, Gather, newFramer } from '../stream-handlers.js'

const FRAMES = Array.from({ length: 150 }, (_, index) => (index * 7919) % 3000)
const ALL_READ = FRAMES.map((length) => `read ${described(length)}`)

/** A stage that messages go through, both ways. */
class PassOn implements ChannelHandler {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.fireChannelRead(msg)
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    ctx.write(msg, promise)
  }
}

/** Sends all frames without waiting to a server that sends each back and then does `edit`; the client gets them again. */
async function underLoad(cell: Cell, edit: (pipeline: ChannelPipeline, index: number) => void): Promise<void> {
  let index = 0
  const below = (): readonly ChannelHandler[] => [newFramer(), new DescribeFrames()]
  const pair = await cell.pair(
    {
      below,
      on: {
        read: ({ channel }) => {
          channel.writeAndFlush(Unpooled.wrappedBuffer(frameOf(FRAMES[index] as number)), null)
          edit(channel.pipeline, index++)
        },
      },
    },
    { below },
  )
  for (const length of FRAMES) pair.client.channel.write(Unpooled.wrappedBuffer(frameOf(length)), null)
  pair.client.channel.flush()
  await pair.client.until(() => pair.client.inbound.filter((line) => line.startsWith('read')).length === FRAMES.length)
  await cell.finish(pair)
}

const LOADED: Scenario['expected'] = {
  inbound: { server: life(...ALL_READ), client: life(...ALL_READ) },
  promises: { client: ['connect ok'] },
  closing: { server: CLOSED_THERE, client: CLOSED_HERE },
}

const stages: Scenario = {
  id: 'edit-stages',
  behaviour: 'handlers that are added, replaced and removed while messages flow lose none in either direction',
  async run(cell) {
    await underLoad(cell, (pipeline, index) => {
      const name = `stage ${Math.floor(index / 4)}`
      if (index % 4 === 0) pipeline.addFirst(name, new PassOn())
      if (index % 4 === 1) pipeline.replace(name, `${name}, new`, new PassOn())
      if (index % 4 === 2) pipeline.addBefore('recorder', name, new PassOn())
      if (index % 4 === 3) pipeline.remove(index % 8 === 3 ? name : `${name}, new`)
    })
  },
  expected: LOADED,
  ignoreWritability: true,
}

const framer: Scenario = {
  id: 'replace-framer',
  behaviour: 'a framer that is replaced by another while it decodes hands its bytes over, and no frame is lost',
  async run(cell) {
    await underLoad(cell, (pipeline, index) => {
      if (index % 3 === 0) pipeline.replace(LengthFieldBasedFrameDecoder, null, newFramer())
    })
  },
  expected: LOADED,
  ignoreWritability: true,
}

const upgrade: Scenario = {
  id: 'remove-framer',
  behaviour: 'a framer that removes itself at the last frame passes on what follows it as it is',
  async run(cell) {
    const pair = await cell.pair({
      below: () => [
        newFramer(),
        {
          channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
            const frame = (msg as { toString(encoding: string): string }).toString('latin1')
            ctx.fireChannelRead(msg)
            if (frame !== 'the last') return
            ctx.pipeline.addAfter(ctx.name, null, new Gather(10))
            ctx.pipeline.remove(LengthFieldBasedFrameDecoder)
            ctx.pipeline.remove(ctx.handler)
          },
        },
      ],
    })
    const { client, server } = pair
    client.send(textFrame('a frame') + textFrame('the last') + 'raw bytes,', 'upgrade')
    await server.seen('read raw bytes,')
    client.send('more of it')
    await server.seen('read more of it')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read a frame', 'read the last', 'read raw bytes,', 'read more of it'), client: life() },
    promises: { client: ['connect ok', 'write upgrade ok', 'write more of it ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

function textFrame(text: string): string {
  return String.fromCharCode(0, 0, 0, text.length) + text
}

export const PIPELINE_EDITS: readonly Scenario[] = [stages, framer, upgrade]
