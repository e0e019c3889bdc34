import { ByteBuf, Storage } from '@knotty/buffer'
import { getLogger } from '@knotty/common'
import { AbstractChannel } from '../../channel/abstract-channel.js'
import type { Channel, TransportName } from '../../channel/channel.js'
import { COMMON_OPTIONS } from '../../channel/channel-config.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { ChannelStateError, NotYetConnectedError, UnsupportedMessageTypeError } from '../../channel/errors.js'
import { ChannelInputShutdownEvent, ChannelInputShutdownReadComplete } from '../../channel/events.js'
import type { OutboundBuffer } from '../../channel/outbound-buffer.js'
import { type DefaultEventLoop, reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import type { AcceptedSocketGuard } from '../accepted-socket-guard.js'
import { type SocketAddress, TcpSocketAddress } from '../address.js'
import { Connector, type HostResolver, resolveByDns } from '../connector.js'
import { libuvBinding, type ShutdownRequest, type TcpHandle, type WriteRequest } from './binding.js'
import { GatheredWrite } from './gather-write.js'
import { LibuvIo } from './libuv-io.js'
import type { PinnedSlabs } from './outbound-slab.js'
import { bindHandle, connectHandle, localAddressOf, newSocketHandle, remoteAddressOf } from './tcp-handle.js'
import { UV_EOF, uvError } from './uv-error.js'

const OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set<ChannelOption<unknown>>([
  ...COMMON_OPTIONS,
  ChannelOption.ALLOW_HALF_CLOSURE,
  ChannelOption.COPY_THRESHOLD_BYTES,
  ChannelOption.TCP_NODELAY,
  ChannelOption.SO_KEEPALIVE,
  ChannelOption.SO_LINGER,
])
/** Kernel default of net.ipv4.tcp_keepalive_time would be 2 hours; Node's own API takes the delay in seconds, and libuv refuses 0. */
const KEEP_ALIVE_DELAY_SECONDS = 60

/** A write request under way: what it carries, and what it pins until the kernel has it. */
interface InFlight {
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
  static readonly OPTIONS: ReadonlySet<ChannelOption<unknown>> = OPTIONS
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = OPTIONS
  /** Turns host names into addresses; what Bootstrap.resolver sets. */
  resolver: HostResolver = resolveByDns
  private handle: TcpHandle | undefined
  /** Owns the handle of an accepted socket until it is registered. */
  private guard: AcceptedSocketGuard | undefined
  private io: LibuvIo | undefined = undefined
  private state: 'open' | 'connecting' | 'connected' | 'closed'
  private connector: Connector | undefined = undefined
  private reading = false
  private readPending = false
  private inputEnded = false
  private inputDiscarded = false
  private inputEndTold = false
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
    this.guard?.handOver()
    this.guard = undefined
    super.registeredInPipeline()
  }

  override initializationFailed(cause: Error): void {
    this.guard?.setCause(cause)
    super.initializationFailed(cause)
  }

  override autoReadChanged(autoRead: boolean): void {
    super.autoReadChanged(autoRead)
    if (autoRead) return
    this.readPending = false
    this.stopReading()
  }

  override socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void {
    if (this.handle === undefined) return
    let status = 0
    if (option === ChannelOption.TCP_NODELAY) status = this.handle.setNoDelay(value as boolean)
    else if (option === ChannelOption.SO_KEEPALIVE) status = this.handle.setKeepAlive(value as boolean, KEEP_ALIVE_DELAY_SECONDS)
    if (status !== 0) getLogger().warn(`${this.toString()}: the kernel refused ${option.name}`, uvError(status, 'setsockopt'))
  }

  protected override doRegister(): void {
    const io = LibuvIo.of(this.eventLoop)
    // Once a handle: each call adds a native listener.
    if (this.handle !== undefined && this.io === undefined) this.handle.useUserBuffer(io.readSlab)
    this.io = io
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
    this.connector = new Connector({
      loop: this.eventLoop,
      remote: remoteAddress,
      resolver: this.resolver,
      timeoutMs: this.config.connectTimeoutMillis,
      attempt: (address, done) => this.attempt(address, local instanceof TcpSocketAddress ? local : undefined, done),
      succeeded: (address) => this.connected(address, promise),
      failed: (error) => this.connectFailed(promise, error),
    })
    promise.addListener(() => {
      if (promise.isCancelled) this.close0(this.newPromise())
    })
  }

  protected doClose(): void {
    this.detach((handle) => {
      if (this.config.getOption(ChannelOption.SO_LINGER) === 0) handle.reset()
      else handle.close()
    })
  }

  protected override doAbort(): void {
    this.detach((handle) => void handle.reset())
  }

  protected doShutdownInput(): void {
    if (!this.isActive) throw new NotYetConnectedError()
    this.inputDiscarded = true
    this.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
  }

  protected doShutdownOutput(done: (error: Error | undefined) => void): void {
    if (this.handle === undefined) return done(new NotYetConnectedError())
    const request: ShutdownRequest = new (libuvBinding().ShutdownWrap)()
    request.oncomplete = (status) => {
      try {
        done(status === 0 ? undefined : uvError(status, 'shutdown'))
      } catch (error) {
        reportNativeEntryError(error)
      }
    }
    const status = this.handle.shutdown(request)
    if (status !== 0) done(uvError(status, 'shutdown'))
  }

  protected doBeginRead(): void {
    if (this.inputEnded) return this.tellInputEnd()
    this.readPending = true
    if (this.reading || this.handle === undefined) return
    const status = this.handle.readStart()
    if (status !== 0) throw uvError(status, 'read')
    this.reading = true
  }

  protected filterOutboundMessage(msg: unknown): unknown {
    if (msg instanceof ByteBuf || msg instanceof Uint8Array) return msg
    if (typeof msg === 'string') {
      throw new UnsupportedMessageTypeError(
        'a socket writes ByteBuf and Uint8Array, not strings: add a StringEncoder, or write Unpooled.copiedBuffer(text, "utf8")',
      )
    }
    const type = typeof msg === 'object' && msg !== null ? msg.constructor?.name : typeof msg
    throw new UnsupportedMessageTypeError(
      `a socket writes ByteBuf and Uint8Array, not ${type}: add an encoder (MessageToByteEncoder) for it`,
    )
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
    gathered.fill(outboundBuffer, slabs, this.config.copyThresholdBytes)
    const { bytes, chunks } = gathered
    const first = chunks[0]
    if (first === undefined) return outboundBuffer.removeBytes(0)
    const handle = this.handle as TcpHandle
    const request = io.takeRequest()
    request.oncomplete = oncomplete
    request.owner = this
    const single = chunks.length === 1
    request.buffer = single ? first : chunks.slice()
    const status = single ? handle.writeBuffer(request, first) : handle.writev(request, chunks, true)
    const binding = libuvBinding()
    const counters = this.eventLoop.counters
    counters.writeRequests++
    if (status === 0 && binding.state[binding.lastWriteWasAsync] !== 0) {
      counters.asyncWriteRequests++
      this.inFlight = { bytes, slabs: slabs.pin() }
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
    const io = this.io as LibuvIo
    const { bytes, slabs } = this.inFlight as InFlight
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
        storage.moveOut()
        loop.counters.slabCopies++
      }
      if (io.poison) io.readSlab.fill(0xdd, 0, bytes)
    }
    if (!this.readPending) this.stopReading()
  }

  private inputEnd(): void {
    this.reading = false
    this.inputEnded = true
    if (this.config.allowHalfClosure && !this.inputDiscarded) this.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    else if (!this.config.allowHalfClosure) this.close0(this.newPromise())
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
    this.pipeline.fireExceptionCaught(error)
    this.closeBecause(error)
  }

  private stopReading(): void {
    if (!this.reading) return
    this.reading = false
    this.handle?.readStop()
  }

  /** One try at one address; the handle becomes the channel's when it connects. */
  private attempt(address: TcpSocketAddress, local: TcpSocketAddress | undefined, done: (error: Error | undefined) => void): () => void {
    const handle = newSocketHandle()
    let over = false
    const abandon = (): void => {
      if (over) return
      over = true
      handle.close()
    }
    try {
      if (local !== undefined) bindHandle(handle, local, false)
      connectHandle(handle, address, (status) => {
        if (over) return
        over = true
        try {
          if (status !== 0) {
            handle.close()
            return done(uvError(status, 'connect', address))
          }
          this.adopt(handle, address)
          done(undefined)
        } catch (error) {
          reportNativeEntryError(error)
        }
      })
    } catch (error) {
      abandon()
      throw error
    }
    return abandon
  }

  private adopt(handle: TcpHandle, address: TcpSocketAddress): void {
    this.handle = handle
    this.remote = address
    this.local = localAddressOf(handle)
    handle.owner = this
    handle.onread = onread
    handle.useUserBuffer((this.io as LibuvIo).readSlab)
    for (const option of [ChannelOption.TCP_NODELAY, ChannelOption.SO_KEEPALIVE]) {
      const value = this.config.getOption(option)
      if (value !== undefined) this.socketOptionChanged(option, value)
    }
  }

  private connected(_address: TcpSocketAddress, promise: ChannelPromise): void {
    this.connector = undefined
    this.state = 'connected'
    this.activate(promise, false)
  }

  private connectFailed(promise: ChannelPromise, error: Error): void {
    this.connector = undefined
    if (this.state === 'connecting') this.state = 'open'
    promise.tryFailure(error)
    this.closeBecause(error)
  }

  private detach(close: (handle: TcpHandle) => void): void {
    if (this.state === 'closed') return
    const handle = this.handle
    this.localAddress // read while it can be
    this.state = 'closed'
    this.reading = false
    this.connector?.cancel()
    this.connector = undefined
    this.handle = undefined
    if (handle === undefined) return
    const guard = this.guard
    this.guard = undefined
    if (guard === undefined) close(handle)
    else guard.closeBeforeHandOver()
  }
}

/** One function for all handles. It must return undefined, and must not be async: native code takes anything else for a buffer. */
function onread(this: TcpHandle): undefined {
  const binding = libuvBinding()
  const nread = binding.state[binding.readBytesOrError] as number
  try {
    ;(this.owner as LibuvSocketChannel).onRead(nread)
  } catch (error) {
    reportNativeEntryError(error)
  }
  return undefined
}

/** One function for all write requests. */
function oncomplete(this: WriteRequest, status: number): void {
  try {
    ;(this.owner as LibuvSocketChannel).onWriteComplete(this, status)
  } catch (error) {
    reportNativeEntryError(error)
  }
}
