// The hot paths whose allocation is measured. Each is warmed up and measured in a process of its own (measure.ts).
import { Buffer } from 'node:buffer'
import { pipelineHarness } from '@knotty/bench'
import { ByteBuf, PooledByteBufAllocator } from '@knotty/buffer'
import { LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import { IdleStateHandler } from '@knotty/handler'
import { type ChannelHandlerContext, EmbeddedChannel, EventLoopGroup, OutboundBuffer } from '@knotty/transport'
import { connectLoopback } from './loopback.js'

/** Runs so many operations, and is done when they are. Allocates nothing of its own for each of them. */
export type RunOperations = (operations: number) => void | Promise<void>

/** One hot path. */
export interface HotPath {
  readonly name: string
  /** Makes what is measured. Operations come in multiples of {@link WINDOW}. */
  readonly setUp: () => RunOperations | Promise<RunOperations>
  /** Bytes per 1,000 operations that must never be reached, whatever the thresholds say. */
  readonly below?: number
  /** Operations before the measurement (204,800). */
  readonly warmUp?: number
  /** Operations of one sample (51,200). */
  readonly operations?: number
  /** Samples, of which the lowest counts (5). */
  readonly samples?: number
}

/** Messages a chunk, a flush, a turn. */
const BATCH = 64
const BODY_BYTES = 64
const HEADER_BYTES = 4
/** Samples consist of whole windows. A multiple of {@link BATCH}. */
export const WINDOW = 1024
/** Messages under way to the peer of the loopback case: so many that reading its answers is a small part, and few enough for the kernel. */
const PEER_WINDOW = 4 * WINDOW

/** Over all of a million messages, after a hundred thousand, less than one byte for each. */
const MILLION = { below: 1000, warmUp: 100 * WINDOW, operations: 980 * WINDOW, samples: 1 }

const framer = (): LengthFieldBasedFrameDecoder =>
  new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 20, lengthFieldLength: HEADER_BYTES, initialBytesToStrip: HEADER_BYTES })

class Forward {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.fireChannelRead(msg)
  }
}

class Echo {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg, null)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
    ctx.fireChannelReadComplete()
  }
}

/** What a case makes, so that no compiler can do without it. */
const kept: { value: unknown } = { value: undefined }

/** A message that can be written any number of times: retained before each. */
function message(): ByteBuf {
  return ByteBuf.wrap(Buffer.alloc(BODY_BYTES))
}

/** 64 frames of 64 bytes in memory like that of a read slab. */
function framesChunk(): Buffer {
  const chunk = Buffer.alloc(BATCH * (HEADER_BYTES + BODY_BYTES))
  for (let index = 0; index < BATCH; index++) chunk.writeInt32BE(BODY_BYTES, index * (HEADER_BYTES + BODY_BYTES))
  return chunk
}

/** Runs a batch of {@link BATCH} operations as often as it takes. */
function inBatches(batch: () => void): RunOperations {
  return (operations) => {
    for (let done = 0; done < operations; done += BATCH) batch()
  }
}

function writeAndFlush(promise: null | undefined): RunOperations {
  const { channel, flush } = pipelineHarness()
  const msg = message()
  return inBatches(() => {
    for (let index = 0; index < BATCH; index++) {
      msg.retain()
      if (promise === null) channel.write(msg, null)
      else void channel.write(msg)
    }
    flush()
  })
}

/** Writes and flushes {@link PEER_WINDOW} messages, and on when the peer has read them. */
async function writeToPeer(): Promise<RunOperations> {
  const messages = Array.from({ length: PEER_WINDOW }, message)
  let left = 0
  let finished: () => void = () => {}
  const writeWindow = (): void => {
    for (let index = 0; index < PEER_WINDOW; index++) {
      const msg = messages[index] as ByteBuf
      msg.readerIndex = 0
      channel.write(msg.retain(), null)
      if (index % BATCH === BATCH - 1) channel.flush()
    }
  }
  const channel = await connectLoopback(PEER_WINDOW * BODY_BYTES, () => {
    left -= PEER_WINDOW
    if (left > 0) writeWindow()
    else finished()
  })
  return (operations) =>
    new Promise((resolve) => {
      finished = resolve
      left = operations
      writeWindow()
    })
}

export const HOT_PATHS: readonly HotPath[] = [
  {
    name: 'nothing at all',
    setUp: () => inBatches(() => {}),
  },
  {
    name: 'an object of four fields',
    setUp: () =>
      inBatches(() => {
        for (let index = 0; index < BATCH; index++) kept.value = { a: index, b: index, c: index, d: index }
      }),
  },
  {
    name: 'write(msg, null) and its share of a flush: libuv channel over loopback',
    ...MILLION,
    setUp: writeToPeer,
  },
  { name: 'write(msg, null) and its share of a flush: channel without I/O', ...MILLION, setUp: () => writeAndFlush(null) },
  { name: 'write(msg) with a future, and its share of a flush: channel without I/O', setUp: () => writeAndFlush(undefined) },
  {
    name: 'a message queued and removed: outbound buffer',
    setUp: () => {
      const buffer = new OutboundBuffer(new EmbeddedChannel())
      const msg = message()
      return inBatches(() => {
        for (let index = 0; index < BATCH; index++) buffer.addMessage(msg.retain(), null)
        buffer.addFlush()
        while (buffer.remove());
      })
    },
  },
  {
    name: 'a message through 16 handlers',
    setUp: () => {
      const { channel } = pipelineHarness(...Array.from({ length: 16 }, () => new Forward()))
      const msg = { size: 1 }
      return inBatches(() => {
        for (let index = 0; index < BATCH; index++) channel.pipeline.fireChannelRead(msg)
      })
    },
  },
  {
    name: 'a frame decoded, of 64 a chunk',
    setUp: () => {
      const { read } = pipelineHarness(framer())
      const chunk = framesChunk()
      return inBatches(() => read(chunk))
    },
  },
  {
    name: 'a frame echoed through framer and prepender, of 64 a chunk',
    setUp: () => {
      const { read } = pipelineHarness(framer(), new LengthFieldPrepender({ lengthFieldLength: HEADER_BYTES }), new Echo())
      const chunk = framesChunk()
      return inBatches(() => read(chunk))
    },
  },
  {
    name: 'a read behind an idle handler',
    setUp: () => {
      const { readMessage } = pipelineHarness(new IdleStateHandler({ readerIdleMs: 60_000, writerIdleMs: 60_000, allIdleMs: 60_000 }))
      const msg = { size: 1 }
      return inBatches(() => {
        for (let index = 0; index < BATCH; index++) readMessage(msg)
      })
    },
  },
  {
    name: 'a task of an event loop',
    setUp: () => {
      const loop = new EventLoopGroup().next()
      let left = 0
      let resolve: () => void = () => {}
      const task = (): void => {
        if (--left === 0) resolve()
      }
      const turn = (): Promise<void> =>
        new Promise((done) => {
          resolve = done
          left = WINDOW
          for (let index = 0; index < WINDOW; index++) loop.execute(task)
        })
      return async (operations) => {
        for (let done = 0; done < operations; done += WINDOW) await turn()
      }
    },
  },
  {
    name: 'a coarse timer, set and cancelled',
    setUp: () => {
      const loop = new EventLoopGroup().next()
      const task = (): void => {}
      return inBatches(() => {
        for (let index = 0; index < BATCH; index++) loop.scheduleCoarse(task, 30_000).cancel()
      })
    },
  },
  {
    name: 'writeInt and readInt',
    setUp: () => {
      const buf = ByteBuf.wrap(Buffer.alloc(1024))
      let sum = 0
      return inBatches(() => {
        buf.clear()
        for (let index = 0; index < BATCH; index++) buf.writeInt(index)
        for (let index = 0; index < BATCH; index++) sum = (sum + buf.readInt()) | 0
        kept.value = sum
      })
    },
  },
  {
    name: 'writeDouble and readDouble',
    setUp: () => {
      const buf = ByteBuf.wrap(Buffer.alloc(1024))
      return inBatches(() => {
        let sum = 0
        buf.clear()
        for (let index = 0; index < BATCH; index++) buf.writeDouble(index + 0.5)
        for (let index = 0; index < BATCH; index++) sum += buf.readDouble()
        kept.value = sum > 0
      })
    },
  },
  {
    name: 'a slice retained and released',
    setUp: () => {
      const buf = ByteBuf.wrap(Buffer.alloc(1024))
      return inBatches(() => {
        for (let index = 0; index < BATCH; index++) buf.retainedSlice(index, 64).release()
      })
    },
  },
  {
    name: 'a pooled buffer of 256 B, allocated and released',
    setUp: () => {
      const allocator = PooledByteBufAllocator.DEFAULT
      return inBatches(() => {
        for (let index = 0; index < BATCH; index++) allocator.buffer(256).release()
      })
    },
  },
]
