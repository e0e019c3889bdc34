import { ByteBuf, ResourceLeakDetector, Storage, Unpooled } from '@knotty/buffer'
import { getLogger, runInRootContext, toError } from '@knotty/common'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import { reportHeldChunk } from '../../channel/held-chunk.js'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AbstractByteChannel } from '../abstract-byte-channel.js'
import type { SocketAddress } from '../address.js'
import { KEEP_ALIVE_DELAY_SECONDS } from '../socket-options.js'
import type { ParentServer } from '../socket-connection.js'
import { UV_EOF, uvError, uvEventError } from '../uv-error.js'
import { libuvBinding, type StreamHandle, type WriteRequest } from './binding.js'
import { attemptConnect } from './connect-attempt.js'
import { LibuvIo } from './libuv-io.js'
import { isTcp, localAddressOf, remoteAddressOf, shutdownHandle } from './stream-handle.js'

/** Options the kernel refused once: told once, not for each connection. */
const refusedOptions = new Set<ChannelOption<unknown>>()

/**
 * A TCP connection, or one over a Unix domain socket, on Node's own handle.
 *
 * Reads land in the event loop's slab and are delivered as a ByteBuf over it, valid as it is until the handlers return; what is
 * still referenced then is copied out once. At most one write request is under way; a flush gathers up to 1 MiB into one.
 */
export class LibuvSocketChannel extends AbstractByteChannel<StreamHandle> {
  get transport(): TransportName {
    return 'libuv'
  }

  override get inFlightProgress(): number {
    if (this.inFlight === undefined || this.socket === undefined) return 0
    return this.inFlight.bytes - this.socket.writeQueueSize
  }

  override socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void {
    super.socketOptionChanged(option, value)
    // What is set before registration is applied then, together with the default of TCP_NODELAY.
    if (this.socket === undefined || this.memory === undefined) return
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
    if (this.memory === io) return
    this.memory = io
    handle.useUserBuffer(io.readSlab)
    if (isTcp(handle)) this.applyOptions()
  }

  /** One system call less (npm run bench -- accept-churn: 0.5 us a connection) where the kernel has done it already. */
  protected override applyOptions(): void {
    const inherited = (this.parent as ParentServer | undefined)?.childrenHaveNoDelay === true
    if (!inherited || this.config.getOption(ChannelOption.TCP_NODELAY) !== undefined) return super.applyOptions()
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

  protected send(handle: StreamHandle, chunks: readonly Buffer[]): boolean {
    const io = this.memory as LibuvIo
    const request = io.takeRequest(oncomplete)
    const status = chunks.length === 1 ? handle.writeBuffer(request, chunks[0] as Buffer) : handle.writev(request, chunks, true)
    const binding = libuvBinding()
    if (status === 0 && binding.state[binding.lastWriteWasAsync] !== 0) {
      // Native code holds the request from here on, and the request the memory. (A synchronous write needs neither.)
      request.owner = this
      request.buffer = chunks.slice()
      return false
    }
    io.returnRequest(request)
    if (status !== 0) throw uvError(status, 'write', this.remote)
    return true
  }

  /** From native code: the kernel took the rest of the request, or never will. The pool is that of the loop that took it. */
  onWriteComplete(request: WriteRequest, status: number): void {
    if (this.inFlight !== undefined) (this.inFlight.memory as LibuvIo).retireRequest(request)
    this.writeCompleted(status === 0 ? undefined : uvEventError(status, 'write', this.remote))
  }

  /** A chunk, EOF or an error, from native code. */
  onRead(nread: number): void {
    if (nread > 0) this.onChunk(nread)
    else if (nread === UV_EOF) this.inputEnd()
    else if (nread < 0) this.readFailed(uvEventError(nread, 'read', this.remote))
    // 0: the read filled the slab exactly and the socket is empty.
  }

  private onChunk(bytes: number): void {
    const io = this.memory as LibuvIo
    if (this.inputDiscarded) return this.countRead(bytes)
    // Rare: nobody wants them now. What is kept must be out of the slab.
    if (this.paused?.isHolding === true) return this.chunkRead(Unpooled.copiedBuffer(io.readSlab.subarray(0, bytes)), bytes)
    const loop = this.eventLoop
    this.countRead(bytes)
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
        if (ResourceLeakDetector.isAdvanced) reportHeldChunk(this, storage)
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
