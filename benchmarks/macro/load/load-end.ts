import {
  libuvBinding,
  type StreamHandle,
  type WriteRequest,
} from '../../../../packages/transport/dist/socket/libuv/binding.js'
import { isTcp } from '../../../../packages/transport/dist/socket/libuv/stream-handle.js'
import type { ClosedLoop } from './closed-loop.js'

const NS_PER_MS = 1e6

/** One end of a connection of a {@link ClosedLoop}. */
export class LoadEnd {
  private readonly loop: ClosedLoop
  private readonly handle: StreamHandle
  /** Bytes of the batch under way that have not come back. */
  private awaited = 0
  /** Within a message: where the next batch begins. */
  private offset = 0
  private sentAt = 0
  /** Bytes of the first batch that came back and were compared with what was sent. */
  private verified = 0
  private verifying = true
  private closed = false

  constructor(loop: ClosedLoop, handle: StreamHandle) {
    this.loop = loop
    this.handle = handle
    handle.owner = this
    handle.onread = onread
    if (isTcp(handle)) handle.setNoDelay(true)
    handle.useUserBuffer(loop.io.readSlab)
    handle.readStart()
  }

  /** Sends the next batch. */
  send(): void {
    const { loop } = this
    const { bytes, replyBytes, nextOffset } = loop.growing ?? loop.stream.next(this.offset)
    this.offset = nextOffset
    this.awaited += replyBytes
    this.sentAt = performance.now()
    const request = loop.io.takeRequest(oncomplete)
    const status = this.handle.writeBuffer(request, bytes)
    const binding = libuvBinding()
    if (status === 0 && binding.state[binding.lastWriteWasAsync] !== 0) {
      request.owner = this
      request.buffer = bytes
      return
    }
    loop.io.returnRequest(request)
    if (status !== 0) loop.fail(`a write failed: libuv error ${status}`)
  }

  /** Instead of a first batch of its own: it sends when a whole one has come. */
  expectBatch(): void {
    this.awaited += this.loop.stream.next(0).replyBytes
    this.verifying = false
    this.sentAt = performance.now()
  }

  /** From native code: bytes in the slab, or an error. */
  onRead(count: number): void {
    if (count === 0 || this.closed) return
    const { loop } = this
    if (count < 0) return loop.fail(`a connection ended: libuv error ${count}`)
    loop.receivedBytes += count
    this.awaited -= count
    if (this.verifying) this.verify(count)
    if (this.awaited > 0 || this.closed) return
    loop.latency.record(Math.max(1, Math.round((performance.now() - this.sentAt) * NS_PER_MS)))
    this.send()
  }

  onWriteComplete(request: WriteRequest, status: number): void {
    this.loop.io.retireRequest(request)
    if (status !== 0 && !this.closed) this.loop.fail(`a write failed: libuv error ${status}`)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    if (isTcp(this.handle)) this.handle.reset()
    else this.handle.close()
  }

  private verify(count: number): void {
    const { loop, verified } = this
    if (!loop.stream.matches(loop.io.readSlab, count, verified)) {
      return loop.fail(`the echo differs from what was sent, within ${count} bytes behind byte ${verified} of a connection`)
    }
    this.verified += count
    this.verifying = this.awaited > 0
  }
}

function onread(this: StreamHandle): undefined {
  const binding = libuvBinding()
  ;(this.owner as LoadEnd).onRead(binding.state[binding.readBytesOrError] as number)
  return undefined
}

function oncomplete(this: WriteRequest, status: number): void {
  ;(this.owner as LoadEnd).onWriteComplete(this, status)
}
