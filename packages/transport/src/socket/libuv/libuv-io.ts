import { socketLoop } from '../../eventloop/default-event-loop.js'
import type { EventLoop } from '../../eventloop/event-loop.js'
import { LoopMemory } from '../write/loop-memory.js'
import { libuvBinding, type WriteRequest } from './binding.js'

/** At most so many idle write requests are kept for reuse. */
const MAX_POOLED_REQUESTS = 1024

/** What the libuv channels of one event loop share: its memory and the write requests. */
export class LibuvIo extends LoopMemory {
  private readonly requests: WriteRequest[] = []
  /** A request whose oncomplete runs must not be used before that has returned: it waits here for the next completion. */
  private justCompleted: WriteRequest | undefined = undefined

  /** The resources of a loop, made on first use. An IllegalArgumentError when the loop is not one of sockets. */
  static override of(loop: EventLoop): LibuvIo {
    let io = ios.get(loop)
    if (io === undefined) {
      io = new LibuvIo(socketLoop(loop))
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
