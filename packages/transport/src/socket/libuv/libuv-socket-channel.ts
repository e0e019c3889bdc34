import { ByteBuf, Storage, Unpooled } from '@knotty/buffer'
import { getLogger, runInRootContext, toError } from '@knotty/common'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { OutboundBuffer } from '../../channel/outbound-buffer.js'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AbstractSocketChannel } from '../abstract-socket-channel.js'
import { checkSocketAddress, type SocketAddress } from '../address.js'
import { checkSocketMessage } from '../socket-message.js'
import { KEEP_ALIVE_DELAY_SECONDS, SOCKET_OPTIONS } from '../socket-options.js'
import { UV_EOF, uvError } from '../uv-error.js'
import { GatheredWrite } from '../write/gather-write.js'
import type { PinnedSlabs } from '../write/outbound-slab.js'
import { libuvBinding, type StreamHandle, type WriteRequest } from './binding.js'
import { attemptConnect } from './connect-attempt.js'
import { LibuvIo } from './libuv-io.js'
import { isTcp, localAddressOf, remoteAddressOf, shutdownHandle } from './stream-handle.js'

/** A write request under way: what it carries, and what it pins until the kernel has it. */
interface InFlight {
  /** Of the loop the channel belonged to when it wrote. */
  readonly io: LibuvIo
  readonly bytes: number
  readonly slabs: PinnedSlabs
}

const gathered = new GatheredWrite()
/** Options the kernel refused once: told once, not for each connection. */
const refusedOptions = new Set<ChannelOption<unknown>>()

/**
 * A TCP connection, or one over a Unix domain socket, on Node's own handle.
 *
 * Reads land in the event loop's slab and are delivered as a ByteBuf over it, valid as it is until the handlers return; what is
 * still referenced then is copied out once. At most one write request is under way; a flush gathers up to 1 MiB into one.
 */
export class LibuvSocketChannel extends AbstractSocketChannel<StreamHandle> {
  readonly transport: TransportName = 'libuv'
  /** The options a socket connection knows. */
  static readonly OPTIONS: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  private io: LibuvIo | undefined = undefined
  private inFlight: InFlight | undefined = undefined

  override get inFlightProgress(): number {
    if (this.inFlight === undefined || this.socket === undefined) return 0
    return this.inFlight.bytes - this.socket.writeQueueSize
  }

  override socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void {
    super.socketOptionChanged(option, value)
    // What is set before registration is applied then, together with the default of TCP_NODELAY.
    if (this.socket === undefined || this.io === undefined) return
    const status = applySocketOption(this.socket, option, value)
    if (status === 0 || refusedOptions.has(option)) return
    refusedOptions.add(option)
    getLogger().warn(`${this.toString()}: the kernel refused ${option.name} (told once)`, uvError(status, 'setsockopt'))
  }

  protected own(handle: StreamHandle): void {
    handle.owner = this
    handle.onread = onread
  }

  protected override doRegister(): void {
    LibuvIo.of(this.eventLoop) // fails here, before anything is connected, when the loop is not one of sockets
    super.doRegister()
  }

  /** Once a handle, and once more when it comes to another loop: each useUserBuffer adds a native listener. */
  protected prepare(handle: StreamHandle): void {
    const io = LibuvIo.of(this.eventLoop)
    if (this.io === io) return
    this.io = io
    handle.useUserBuffer(io.readSlab)
    if (!isTcp(handle)) return
    this.socketOptionChanged(ChannelOption.TCP_NODELAY, this.config.getOption(ChannelOption.TCP_NODELAY) ?? true)
    const keepAlive = this.config.getOption(ChannelOption.SO_KEEPALIVE)
    if (keepAlive !== undefined) this.socketOptionChanged(ChannelOption.SO_KEEPALIVE, keepAlive)
  }

  protected attempt(
    address: SocketAddress,
    local: SocketAddress | undefined,
    done: (error: Error | undefined) => void,
  ): () => void {
    return attemptConnect({ address, local, adopt: (handle) => this.adopt(handle, address), done })
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkSocketAddress(address)
  }

  /** While FIN waits behind queued writes the handle cannot be reset: a try would leave it open for ever. */
  protected closeSocket(handle: StreamHandle, reset: boolean): void {
    if (reset && !this.outputEnding && isTcp(handle)) handle.reset()
    else handle.close()
  }

  protected localAddressOf(handle: StreamHandle): SocketAddress | undefined {
    return localAddressOf(handle) ?? this.parent?.localAddress // a Unix domain socket has its server's
  }

  protected remoteAddressOf(handle: StreamHandle): SocketAddress | undefined {
    return remoteAddressOf(handle)
  }

  protected readStart(handle: StreamHandle): void {
    const status = handle.readStart()
    if (status !== 0) throw uvError(status, 'read')
  }

  protected readStop(handle: StreamHandle): void {
    handle.readStop()
  }

  protected sendFin(handle: StreamHandle, done: (error: Error | undefined) => void): void {
    shutdownHandle(handle, done)
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
    const handle = this.socket as StreamHandle
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
    if (status === 0) this.lastWriteCompletedAt = this.eventLoop.ticker.now() // also behind a shutdownOutput()
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
  onRead(nread: number): void {
    if (nread > 0) this.onChunk(nread)
    else if (nread === UV_EOF) this.inputEnd()
    else if (nread < 0) this.readFailed(uvError(nread, 'read', this.remote))
    // 0: the read filled the slab exactly and the socket is empty.
  }

  private onChunk(bytes: number): void {
    const io = this.io as LibuvIo
    if (this.inputDiscarded) return this.countRead(bytes)
    // Rare: nobody wants them now. What is kept must be out of the slab.
    if (this.paused?.isHolding === true) return this.chunkRead(Unpooled.copiedBuffer(io.readSlab.subarray(0, bytes)), bytes)
    const loop = this.eventLoop
    this.bytesRead += bytes
    this.lastReadAt = loop.ticker.now()
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
    if (!this.readPending && !this.inputDiscarded) this.pauseReading()
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
}

/** Sets the option on the socket, if it is one of the socket; 0 or the errno with which the kernel refused it. */
function applySocketOption(handle: StreamHandle, option: ChannelOption<unknown>, value: unknown): number {
  if (!isTcp(handle)) return 0
  if (option === ChannelOption.TCP_NODELAY) return handle.setNoDelay(value as boolean)
  if (option === ChannelOption.SO_KEEPALIVE) return handle.setKeepAlive(value as boolean, KEEP_ALIVE_DELAY_SECONDS)
  return 0
}

/** One function for all handles. It must return undefined, and must not be async: native code takes anything else for a buffer. */
function onread(this: StreamHandle): undefined {
  const binding = libuvBinding()
  const nread = binding.state[binding.readBytesOrError] as number
  try {
    ;(this.owner as LibuvSocketChannel).onRead(nread)
  } catch (error) {
    ;(this.owner as LibuvSocketChannel).onReadThrew(error)
  }
  return undefined
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
