import type { EventExecutor } from '@knotty/common'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'

/** Sums over all channels of one event loop since it was made. */
export interface EventLoopCounters {
  /** Chunks delivered from the read slab. */
  slabChunks: number
  /** Chunks somebody still held when their channelRead returned, or asked a stable Buffer of: each was copied once. */
  slabCopies: number
  /** Write requests handed to the kernel, and those of them it did not take whole at once. */
  writeRequests: number
  asyncWriteRequests: number
  /** Outbound slabs allocated. */
  writeSlabs: number
  /** Accepted connections, and those of them closed before channelRegistered. */
  accepted: number
  refused: number
  /** Connections that ended with ECONNRESET, EPIPE, ECONNABORTED or ETIMEDOUT. */
  peerErrors: number
  /** Connections closed because they stayed half-open without a byte moving. */
  halfOpenTimeouts: number
}

/** Runs the I/O, the tasks and the timers of its channels, one at a time. */
export interface EventLoop extends EventExecutor, AsyncDisposable {
  /** Number of this loop within the process; part of the ids of its channels. */
  readonly number: number
  readonly counters: EventLoopCounters
  /** Open channels registered here. */
  readonly channelCount: number
  /** Registers a channel. Fails with RejectedExecutionError once shutdown has begun; on any failure the channel is closed. */
  register(channel: Channel): ChannelFuture
}

/** Counters at zero. */
export function newCounters(): EventLoopCounters {
  return {
    slabChunks: 0,
    slabCopies: 0,
    writeRequests: 0,
    asyncWriteRequests: 0,
    writeSlabs: 0,
    accepted: 0,
    refused: 0,
    peerErrors: 0,
    halfOpenTimeouts: 0,
  }
}
