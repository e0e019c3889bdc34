import { ByteBuf, Storage } from '@knotty/buffer'
import { getLogger, runInRootContext, toError } from '@knotty/common'
import { NotYetConnectedError } from '../../channel/errors.js'
import { ChannelInputShutdownEvent, ChannelInputShutdownReadComplete } from '../../channel/events.js'
import type { OutboundBuffer } from '../../channel/outbound-buffer.js'
import { isPeerCondition } from '../../channel/peer-conditions.js'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { libuvBinding, type TcpHandle, type WriteRequest } from './binding.js'
import { GatheredWrite } from './gather-write.js'
import { LibuvConnection } from './libuv-connection.js'
import type { LibuvIo } from './libuv-io.js'
import type { PinnedSlabs } from './outbound-slab.js'
import { checkSocketMessage } from './socket-message.js'
import { shutdownHandle } from './tcp-handle.js'
import { UV_EOF, uvError } from './uv-error.js'

/** A write request under way: what it carries, and what it pins until the kernel has it. */
interface InFlight {
  /** Of the loop the channel belonged to when it wrote. */
  readonly io: LibuvIo
  readonly bytes: number
  readonly slabs: PinnedSlabs
}

const gathered = new GatheredWrite()

/**
 * A TCP connection on Node's own handle.
 *
 * Reads land in the event loop's slab and are delivered as a ByteBuf over it, valid as it is until the handlers return; what is
 * still referenced then is copied out once. At most one write request is under way; a flush gathers up to 1 MiB into one.
 */
export class LibuvSocketChannel extends LibuvConnection {
  private reading = false
  private readPending = false
  private inputEnded = false
  /** FIN is sent. */
  private outputEnded = false
  private inputDiscarded = false
  private inputEndTold = false
  private inFlight: InFlight | undefined = undefined

  get isInputShutdown(): boolean {
    return this.inputEnded || this.inputDiscarded
  }

  override get inFlightProgress(): number {
    if (this.inFlight === undefined || this.handle === undefined) return 0
    return this.inFlight.bytes - this.handle.writeQueueSize
  }

  override registeredInPipeline(): void {
    super.registeredInPipeline()
    if (this.readPending || this.inputDiscarded) this.beginRead() // asked for while it was deregistered
  }

  override autoReadChanged(autoRead: boolean): void {
    super.autoReadChanged(autoRead)
    if (autoRead) return
    this.readPending = false
    if (!this.inputDiscarded) this.stopReading()
  }

  protected doShutdownInput(): void {
    if (!this.isActive) throw new NotYetConnectedError()
    if (this.isInputShutdown) return
    this.inputDiscarded = true
    this.startReading()
    this.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
  }

  protected doShutdownOutput(done: (error: Error | undefined) => void): void {
    if (this.handle === undefined) return done(new NotYetConnectedError())
    this.outputEnding = true
    const over = (error: Error | undefined): void => {
      this.outputEnding = false
      this.outputEnded = error === undefined
      done(error)
      this.closeWhenBothEnded()
    }
    try {
      shutdownHandle(this.handle, over)
    } catch (error) {
      over(toError(error))
    }
  }

  protected doBeginRead(): void {
    if (this.inputEnded) return this.tellInputEnd()
    this.readPending = true
    this.startReading()
  }

  protected filterOutboundMessage(msg: unknown): unknown {
    return checkSocketMessage(msg)
  }

  protected doWrite(outboundBuffer: OutboundBuffer): void {
    for (let requests = this.config.writeSpinCount; requests > 0; requests--) {
      if (this.inFlight !== undefined || !this.isActive || outboundBuffer.isEmpty) return
      this.writeOnce(outboundBuffer)
    }
    if (!outboundBuffer.isEmpty && this.inFlight === undefined) this.later(() => this.flushMarked())
  }

  /** One request. Taken whole at once: its messages complete here; otherwise in {@link onWriteComplete}. */
  private writeOnce(outboundBuffer: OutboundBuffer): void {
    const io = this.io as LibuvIo
    const slabs = io.outbound
    slabs.begin()
    const { chunks } = gathered
    try {
      gathered.gather(outboundBuffer, io, this.config.copyThresholdBytes)
    } catch (error) {
      // A message that was released too early. What was gathered before it must not stay taken.
      gathered.clear()
      slabs.giveBack()
      throw error
    }
    const { bytes } = gathered
    const first = chunks[0]
    if (first === undefined) return outboundBuffer.removeBytes(0)
    const handle = this.handle as TcpHandle
    const request = io.takeRequest(oncomplete)
    const status = chunks.length === 1 ? handle.writeBuffer(request, first) : handle.writev(request, chunks, true)
    const binding = libuvBinding()
    const counters = this.eventLoop.counters
    counters.writeRequests++
    if (status === 0 && binding.state[binding.lastWriteWasAsync] !== 0) {
      // Native code holds the request from here on, and the request the memory. (A synchronous write needs neither.)
      request.owner = this
      request.buffer = chunks.slice()
      gathered.clear()
      counters.asyncWriteRequests++
      this.inFlight = { io, bytes, slabs: slabs.pin() }
      return
    }
    gathered.clear()
    slabs.giveBack()
    io.returnRequest(request)
    if (status !== 0) throw uvError(status, 'write', this.remote)
    this.completed(outboundBuffer, bytes)
  }

  private completed(outboundBuffer: OutboundBuffer, bytes: number): void {
    this.bytesWritten += bytes
    this.lastWriteCompletedAt = this.eventLoop.ticker.now()
    outboundBuffer.removeBytes(bytes)
  }

  /** The kernel took the rest of the request, or never will. */
  onWriteComplete(request: WriteRequest, status: number): void {
    const { io, bytes, slabs } = this.inFlight as InFlight
    this.inFlight = undefined
    io.retireRequest(request)
    io.outbound.unpin(slabs)
    const outboundBuffer = this.outboundBuffer
    // After close the callback may even say success: the messages have failed already, whatever it says.
    if (!this.isActive || outboundBuffer === undefined) return
    if (status !== 0) return this.handleWriteError(uvError(status, 'write', this.remote))
    this.inFlush = true
    try {
      this.completed(outboundBuffer, bytes)
    } finally {
      this.inFlush = false
    }
    this.flushMarked()
  }

  /** A chunk, EOF or an error, from native code. */
  override onRead(nread: number): void {
    if (nread > 0) this.deliver(nread)
    else if (nread === UV_EOF) this.inputEnd()
    else if (nread < 0) this.readFailed(nread)
    // 0: the read filled the slab exactly and the socket is empty.
  }

  /** A chunk is lost (no memory for its buffer): what follows would be a stream with a hole. */
  override onReadThrew(thrown: unknown): void {
    try {
      const error = toError(thrown)
      this.pipeline.fireExceptionCaught(error)
      this.closeBecause(error)
    } catch (error) {
      reportNativeEntryError(error)
    }
  }

  private deliver(bytes: number): void {
    const io = this.io as LibuvIo
    const loop = this.eventLoop
    this.bytesRead += bytes
    this.lastReadAt = loop.ticker.now()
    if (this.inputDiscarded) return
    this.readPending = false
    const storage = new Storage(io.memory, 0, bytes, true)
    loop.counters.slabChunks++
    try {
      this.pipeline.fireChannelRead(ByteBuf.overStorage(storage))
      this.pipeline.fireChannelReadComplete()
    } finally {
      // The next read overwrites the slab: whoever still holds these bytes gets them copied now, before any microtask.
      if (!storage.slab) loop.counters.slabCopies++
      else if (storage.refCnt > 0) {
        loop.counters.slabCopies++
        this.keep(storage)
      }
      if (io.poison) io.readSlab.fill(0xdd, 0, bytes)
    }
    if (!this.readPending && !this.inputDiscarded) this.stopReading()
  }

  /** Without memory for the copy, the views must throw: they would show other channels' bytes. */
  private keep(storage: Storage): void {
    try {
      storage.moveOut()
    } catch (error) {
      storage.release(storage.refCnt)
      this.pipeline.fireExceptionCaught(toError(error))
      this.closeBecause(toError(error))
    }
  }

  private inputEnd(): void {
    this.reading = false
    this.inputEnded = true
    if (!this.config.allowHalfClosure) return this.close0(this.newPromise())
    if (!this.inputDiscarded) this.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    if (this.config.autoRead) this.read()
    this.closeWhenBothEnded()
  }

  /** Nothing can come and nothing can go any more: an open descriptor would only be forgotten. In a task behind the events. */
  private closeWhenBothEnded(): void {
    if (!this.inputEnded || !this.outputEnded) return
    this.later(() => this.close0(this.newPromise()))
  }

  /** A read after the end of input: told once, in a later task. */
  private tellInputEnd(): void {
    if (this.inputEndTold) return
    this.inputEndTold = true
    this.later(() => this.pipeline.fireUserEventTriggered(ChannelInputShutdownReadComplete.INSTANCE))
  }

  private readFailed(errno: number): void {
    this.reading = false
    const error = uvError(errno, 'read', this.remote)
    const { counters } = this.eventLoop
    const { peerErrors } = counters
    this.closeCause ??= error
    this.pipeline.fireExceptionCaught(error)
    // The tail counts what reaches it; a handler may have kept this one.
    if (counters.peerErrors === peerErrors && isPeerCondition(error)) counters.peerErrors++
    this.closeBecause(error)
  }

  protected override handleWriteError(error: Error): void {
    if (isPeerCondition(error) && this.closeCause === undefined) {
      this.eventLoop.counters.peerErrors++
      getLogger().debug(`${this.toString()}: the peer is gone`, error)
    }
    super.handleWriteError(error)
  }

  private startReading(): void {
    if (this.reading || this.handle === undefined || !this.registered) return
    const status = this.handle.readStart()
    if (status !== 0) throw uvError(status, 'read')
    this.reading = true
  }

  protected stopReading(): void {
    if (!this.reading) return
    this.reading = false
    this.handle?.readStop()
  }
}

/** One function for all write requests. */
function oncomplete(this: WriteRequest, status: number): void {
  try {
    // Native code would run it in the AsyncLocalStorage context of whoever flushed.
    runInRootContext(() => (this.owner as LibuvSocketChannel).onWriteComplete(this, status))
  } catch (error) {
    reportNativeEntryError(error)
  }
}
