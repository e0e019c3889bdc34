import { IllegalArgumentError } from '@knotty/common'
import type { DefaultEventLoop } from '../../eventloop/default-event-loop.js'
import type { EventLoop } from '../../eventloop/event-loop.js'
import { libuvBinding, type WriteRequest } from './binding.js'
import { OutboundSlabs } from './outbound-slab.js'

/** At most so many idle write requests are kept for reuse. */
const MAX_POOLED_REQUESTS = 1024

/** The memory of every event loop of this thread: none of it may be given to a write as it is (see {@link isSlabMemory}). */
const slabMemories = new WeakSet<ArrayBufferLike>()

/**
 * The bytes lie in the slabs of some event loop, perhaps not the writer's: a proxy may have one group for its servers and another
 * for its clients. The next read would overwrite them under a write that went asynchronous.
 */
export function isSlabMemory(bytes: Uint8Array): boolean {
  return slabMemories.has(bytes.buffer)
}

/** What the libuv channels of one event loop share: the read slab, the outbound slabs, the write requests. */
export class LibuvIo {
  /**
   * The read slab, from 0 on, and behind it the first outbound slab. In one array, so that an echo or a proxy copies with copyWithin,
   * the quickest copy there is: 19 ns for 64 bytes against 52 between two arrays (npm run bench -- outbound-path).
   */
  readonly memory: Buffer
  /** The part of {@link memory} all channels read into, one chunk at a time: callbacks never nest. */
  readonly readSlab: Buffer
  readonly outbound: OutboundSlabs
  readonly poison: boolean
  private readonly requests: WriteRequest[] = []
  /** A request whose oncomplete runs must not be used before that has returned: it waits here for the next completion. */
  private justCompleted: WriteRequest | undefined = undefined

  private constructor(loop: DefaultEventLoop) {
    const { readSlabBytes, writeSlabBytes, counters } = loop
    this.memory = Buffer.allocUnsafeSlow(readSlabBytes + writeSlabBytes)
    slabMemories.add(this.memory.buffer)
    this.readSlab = this.memory.subarray(0, readSlabBytes)
    this.outbound = new OutboundSlabs(writeSlabBytes, () => counters.writeSlabs++, { bytes: this.memory, base: readSlabBytes })
    this.poison = loop.poisonSlab
  }

  /** The resources of a loop, made on first use. An {@link IllegalArgumentError} when the loop is not one of sockets. */
  static of(loop: EventLoop): LibuvIo {
    let io = ios.get(loop)
    if (io === undefined) {
      if (!('readSlabBytes' in loop)) throw new IllegalArgumentError('a socket channel needs the event loop of an EventLoopGroup')
      io = new LibuvIo(loop as DefaultEventLoop)
      ios.set(loop, io)
    }
    return io
  }

  /** A request for one write, with `oncomplete` set. Until the write has gone asynchronous nothing else needs to be. */
  takeRequest(oncomplete: WriteRequest['oncomplete']): WriteRequest {
    const pooled = this.requests.pop()
    if (pooled !== undefined) return pooled
    const request = new (libuvBinding().WriteWrap)()
    request.oncomplete = oncomplete
    return request
  }

  /** The write was synchronous, or failed at once: the request may be used again at once. */
  returnRequest(request: WriteRequest): void {
    if (this.requests.length < MAX_POOLED_REQUESTS) this.requests.push(request)
  }

  /** The request's oncomplete is running. */
  retireRequest(request: WriteRequest): void {
    const previous = this.justCompleted
    this.justCompleted = request
    request.buffer = null
    request.owner = null
    if (previous !== undefined) this.returnRequest(previous)
  }
}

const ios = new WeakMap<EventLoop, LibuvIo>()
