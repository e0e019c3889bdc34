import { ByteBuf, Storage } from '@knotty/buffer'
import { diagnostics, getLogger, runInRootContext, toError } from '@knotty/common'
import { AbstractChannel } from '../../channel/abstract-channel.js'
import type { Channel, TransportName } from '../../channel/channel.js'
import type { ChannelHandlerContext } from '../../channel/channel-handler-context.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { ChannelStateError, NotYetConnectedError } from '../../channel/errors.js'
import { ChannelInputShutdownEvent, ChannelInputShutdownReadComplete } from '../../channel/events.js'
import type { OutboundBuffer } from '../../channel/outbound-buffer.js'
import { type DefaultEventLoop, reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import type { AcceptedSocketGuard } from '../accepted-socket-guard.js'
import { type SocketAddress, TcpSocketAddress } from '../address.js'
import { Connector, type HostResolver, resolveByDns } from '../connector.js'
import { isPeerCondition } from '../peer-conditions.js'
import { libuvBinding, type ShutdownRequest, type TcpHandle, type WriteRequest } from './binding.js'
import { attemptConnect } from './connect-attempt.js'
import { GatheredWrite } from './gather-write.js'
import { LibuvIo } from './libuv-io.js'
import type { PinnedSlabs } from './outbound-slab.js'
import { checkSocketMessage } from './socket-message.js'
import { applySocketOption, SOCKET_OPTIONS } from './socket-options.js'
import { localAddressOf, remoteAddressOf } from './tcp-handle.js'
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
export class LibuvSocketChannel extends AbstractChannel {
  readonly transport: TransportName = 'libuv'
  /** The options a TCP connection knows. */
  static readonly OPTIONS: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  /** Turns host names into addresses; what Bootstrap.resolver sets. */
  resolver: HostResolver = resolveByDns
  private handle: TcpHandle | undefined
  /** Owns the handle of an accepted socket until it is registered. */
  private guard: AcceptedSocketGuard | undefined
  private io: LibuvIo | undefined = undefined
  private state: 'open' | 'connecting' | 'connected' | 'closed'
  private connector: Connector | undefined = undefined
  private connectPromise: ChannelPromise | undefined = undefined
  private reading = false
  private readPending = false
  private inputEnded = false
  private inputDiscarded = false
  private inputEndTold = false
  /** FIN waits behind queued writes: the handle cannot be reset meanwhile, and a try would leave it open for ever. */
  private outputEnding = false
  private inFlight: InFlight | undefined = undefined
  private local: TcpSocketAddress | undefined = undefined
  private remote: TcpSocketAddress | undefined = undefined

  /** Without arguments: a channel to connect. With them: one that a server accepted. */
  constructor(parent?: Channel, handle?: TcpHandle, guard?: AcceptedSocketGuard) {
    super(parent)
    this.handle = handle
    this.guard = guard
    this.state = handle === undefined ? 'open' : 'connected'
    if (handle === undefined) return
    this.remote = remoteAddressOf(handle)
    handle.owner = this
    handle.onread = onread
  }

  get isOpen(): boolean {
    return this.state !== 'closed'
  }

  get isActive(): boolean {
    return this.state === 'connected'
  }

  get isInputShutdown(): boolean {
    return this.inputEnded || this.inputDiscarded
  }

  get localAddress(): TcpSocketAddress | undefined {
    if (this.local === undefined && this.handle !== undefined) this.local = localAddressOf(this.handle)
    return this.local
  }

  get remoteAddress(): TcpSocketAddress | undefined {
    return this.remote
  }

  override get inFlightProgress(): number {
    if (this.inFlight === undefined || this.handle === undefined) return 0
    return this.inFlight.bytes - this.handle.writeQueueSize
  }

  override registeredInPipeline(): void {
    const guard = this.guard
    this.guard = undefined // first: a listener of `accepted` may close the channel
    guard?.handOver()
    super.registeredInPipeline()
  }

  /** Until the hand-over the guard tells of it, in the one line of the refused connection. */
  override initializationFailed(cause: Error): void {
    if (this.guard === undefined) return super.initializationFailed(cause)
    this.closeCause ??= cause
    this.guard.setCause('the initializer failed', cause)
  }

  override onUncaughtException(ctx: ChannelHandlerContext, cause: Error): void {
    if (this.guard === undefined || !this.pipeline.closeOnUncaught) return super.onUncaughtException(ctx, cause)
    this.guard.setCause('a handler threw before the channel was registered', cause)
    if (diagnostics.exceptionUncaught.hasSubscribers) diagnostics.exceptionUncaught.publish({ channel: this, cause })
    this.emitter?.emit('exception', cause)
    this.close()
  }

  override abandon(cause: Error, reason?: string): void {
    this.guard?.setCause(reason, cause)
    super.abandon(cause)
  }

  override autoReadChanged(autoRead: boolean): void {
    super.autoReadChanged(autoRead)
    if (autoRead) return
    this.readPending = false
    if (!this.inputDiscarded) this.stopReading()
  }

  override socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void {
    // What is set before registration is applied then, together with the default of TCP_NODELAY.
    if (this.handle === undefined || this.io === undefined) return
    const status = applySocketOption(this.handle, option, value)
    if (status !== 0) getLogger().warn(`${this.toString()}: the kernel refused ${option.name}`, uvError(status, 'setsockopt'))
  }

  protected override doRegister(): void {
    const io = LibuvIo.of(this.eventLoop)
    // Once a handle, and once more when it comes to another loop: each call adds a native listener.
    const sameSlab = this.io === io
    this.io = io
    if (!sameSlab && this.handle !== undefined) this.prepare(this.handle)
    ;(this.eventLoop as DefaultEventLoop).addChannel(this)
  }

  protected override doDeregister(): void {
    this.stopReading()
    ;(this.eventLoop as DefaultEventLoop).removeChannel(this)
  }

  protected doBind(localAddress: SocketAddress, promise: ChannelPromise): void {
    if (!(localAddress instanceof TcpSocketAddress)) throw new ChannelStateError('a TCP channel is bound to { address, port }')
    if (this.state !== 'open') throw new ChannelStateError(`bind: the channel is ${this.state}`)
    this.local = localAddress
    promise.trySuccess()
  }

  protected doConnect(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void {
    if (this.state !== 'open') throw new ChannelStateError(`connect: the channel is ${this.state} already`)
    if (!(remoteAddress instanceof TcpSocketAddress)) throw new ChannelStateError('a TCP channel connects to { address, port }')
    const local = localAddress ?? this.local
    this.state = 'connecting'
    this.connectPromise = promise
    this.connector = new Connector({
      loop: this.eventLoop,
      remote: remoteAddress,
      resolver: this.resolver,
      timeoutMs: this.config.connectTimeoutMillis,
      attempt: (address, done) =>
        attemptConnect({
          address,
          local: local instanceof TcpSocketAddress ? local : undefined,
          adopt: (handle) => this.adopt(handle, address),
          done,
        }),
      succeeded: () => this.connected(promise),
      failed: (error) => this.connectFailed(promise, error),
    })
    promise.addListener(() => {
      if (promise.isCancelled) this.close0(this.newPromise())
    })
  }

  protected doClose(): void {
    this.detach(this.config.getOption(ChannelOption.SO_LINGER) === 0)
  }

  protected override doAbort(): void {
    this.detach(true)
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
    const request: ShutdownRequest = new (libuvBinding().ShutdownWrap)()
    request.oncomplete = (status) => {
      this.outputEnding = false
      try {
        runInRootContext(() => done(status === 0 ? undefined : uvError(status, 'shutdown')))
      } catch (error) {
        reportNativeEntryError(error)
      }
    }
    const status = this.handle.shutdown(request)
    if (status === 0) this.outputEnding = true
    else done(uvError(status, 'shutdown'))
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
      gathered.fill(outboundBuffer, io, this.config.copyThresholdBytes)
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
    const request = io.takeRequest()
    request.oncomplete = oncomplete
    request.owner = this
    const single = chunks.length === 1
    request.buffer = single ? first : chunks.slice()
    const status = single ? handle.writeBuffer(request, first) : handle.writev(request, chunks, true)
    gathered.clear()
    const binding = libuvBinding()
    const counters = this.eventLoop.counters
    counters.writeRequests++
    if (status === 0 && binding.state[binding.lastWriteWasAsync] !== 0) {
      counters.asyncWriteRequests++
      this.inFlight = { io, bytes, slabs: slabs.pin() }
      return
    }
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
  onRead(nread: number): void {
    if (nread > 0) this.deliver(nread)
    else if (nread === UV_EOF) this.inputEnd()
    else if (nread < 0) this.readFailed(nread)
    // 0: the read filled the slab exactly and the socket is empty.
  }

  /** A chunk is lost (no memory for its buffer): what follows would be a stream with a hole. */
  onReadThrew(thrown: unknown): void {
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
    const storage = new Storage(io.readSlab, 0, bytes, true)
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
    if (this.reading || this.handle === undefined) return
    const status = this.handle.readStart()
    if (status !== 0) throw uvError(status, 'read')
    this.reading = true
  }

  private stopReading(): void {
    if (!this.reading) return
    this.reading = false
    this.handle?.readStop()
  }

  private adopt(handle: TcpHandle, address: TcpSocketAddress): void {
    this.handle = handle
    this.remote = address
    this.local = localAddressOf(handle)
    handle.owner = this
    handle.onread = onread
    this.prepare(handle)
  }

  /** What a connected handle needs when the channel is registered to its loop: the slab and the options. */
  private prepare(handle: TcpHandle): void {
    handle.useUserBuffer((this.io as LibuvIo).readSlab)
    this.socketOptionChanged(ChannelOption.TCP_NODELAY, this.config.getOption(ChannelOption.TCP_NODELAY) ?? true)
    const keepAlive = this.config.getOption(ChannelOption.SO_KEEPALIVE)
    if (keepAlive !== undefined) this.socketOptionChanged(ChannelOption.SO_KEEPALIVE, keepAlive)
  }

  private connected(promise: ChannelPromise): void {
    this.connector = undefined
    this.connectPromise = undefined
    this.state = 'connected'
    this.activate(promise, false)
  }

  private connectFailed(promise: ChannelPromise, error: Error): void {
    this.connector = undefined
    this.connectPromise = undefined
    if (this.state === 'connecting') this.state = 'open'
    promise.tryFailure(error)
    this.closeBecause(error)
  }

  private detach(reset: boolean): void {
    if (this.state === 'closed') return
    const handle = this.handle
    if (handle !== undefined) this.local ??= localAddressOf(handle) // while it can be read
    this.state = 'closed'
    this.reading = false
    this.connector?.cancel()
    this.connector = undefined
    this.handle = undefined
    const { guard, connectPromise } = this
    this.guard = undefined
    this.connectPromise = undefined
    if (handle !== undefined && (guard === undefined || !guard.closeBeforeHandOver(this.closeCause))) {
      if (reset && !this.outputEnding) handle.reset()
      else handle.close()
    }
    connectPromise?.tryFailure(this.closedError())
  }
}

/** One function for all handles. It must return undefined, and must not be async: native code takes anything else for a buffer. */
function onread(this: TcpHandle): undefined {
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
