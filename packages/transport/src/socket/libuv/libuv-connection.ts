import { diagnostics, getLogger } from '@knotty/common'
import { AbstractChannel } from '../../channel/abstract-channel.js'
import type { Channel, TransportName } from '../../channel/channel.js'
import type { ChannelHandlerContext } from '../../channel/channel-handler-context.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { ChannelStateError } from '../../channel/errors.js'
import type { DefaultEventLoop } from '../../eventloop/default-event-loop.js'
import type { AcceptedSocketGuard } from '../accepted-socket-guard.js'
import { noUnixSockets, type SocketAddress, TcpSocketAddress } from '../address.js'
import { Connector, type HostResolver, resolveByDns } from '../connector.js'
import { libuvBinding, type TcpHandle } from './binding.js'
import { attemptConnect } from './connect-attempt.js'
import { LibuvIo } from './libuv-io.js'
import { applySocketOption, SOCKET_OPTIONS } from './socket-options.js'
import { localAddressOf, remoteAddressOf } from './tcp-handle.js'
import { uvError } from './uv-error.js'

/** Options the kernel refused once: told once, not for each connection. */
const refusedOptions = new Set<ChannelOption<unknown>>()

/**
 * How a TCP connection comes about and ends: its handle, from accept or connect to close. Reading and writing are
 * LibuvSocketChannel's.
 */
export abstract class LibuvConnection extends AbstractChannel {
  readonly transport: TransportName = 'libuv'
  /** The options a TCP connection knows. */
  static readonly OPTIONS: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  /** Turns host names into addresses; what Bootstrap.resolver sets. */
  resolver: HostResolver = resolveByDns
  protected handle: TcpHandle | undefined
  /** Owns the handle of an accepted socket until it is registered. */
  private guard: AcceptedSocketGuard | undefined
  protected io: LibuvIo | undefined = undefined
  protected state: 'open' | 'connecting' | 'connected' | 'closed'
  private connector: Connector | undefined = undefined
  private connectPromise: ChannelPromise | undefined = undefined
  /** FIN waits behind queued writes: the handle cannot be reset meanwhile, and a try would leave it open for ever. */
  protected outputEnding = false
  private local: TcpSocketAddress | undefined = undefined
  protected remote: TcpSocketAddress | undefined = undefined

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

  /** A chunk, EOF or an error, from native code. */
  abstract onRead(nread: number): void
  abstract onReadThrew(thrown: unknown): void
  protected abstract stopReading(): void

  get isOpen(): boolean {
    return this.state !== 'closed'
  }

  get isActive(): boolean {
    return this.state === 'connected'
  }

  get localAddress(): TcpSocketAddress | undefined {
    if (this.local === undefined && this.handle !== undefined) this.local = localAddressOf(this.handle)
    return this.local
  }

  get remoteAddress(): TcpSocketAddress | undefined {
    return this.remote
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

  override socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void {
    // What is set before registration is applied then, together with the default of TCP_NODELAY.
    if (this.handle === undefined || this.io === undefined) return
    const status = applySocketOption(this.handle, option, value)
    if (status === 0 || refusedOptions.has(option)) return
    refusedOptions.add(option)
    getLogger().warn(`${this.toString()}: the kernel refused ${option.name} (told once)`, uvError(status, 'setsockopt'))
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
    if (!(localAddress instanceof TcpSocketAddress)) throw noUnixSockets(localAddress)
    if (this.state !== 'open') throw new ChannelStateError(`bind: the channel is ${this.state}`)
    this.local = localAddress
    promise.trySuccess()
  }

  protected doConnect(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void {
    if (this.state !== 'open') throw new ChannelStateError(`connect: the channel is ${this.state} already`)
    if (!(remoteAddress instanceof TcpSocketAddress)) throw noUnixSockets(remoteAddress)
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
    this.connector?.cancel()
    this.connector = undefined
    this.handle = undefined
    this.stopReading()
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
    ;(this.owner as LibuvConnection).onRead(nread)
  } catch (error) {
    ;(this.owner as LibuvConnection).onReadThrew(error)
  }
  return undefined
}
