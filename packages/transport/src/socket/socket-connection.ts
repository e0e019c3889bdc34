import { diagnostics } from '@knotty/common'
import { AbstractChannel } from '../channel/abstract-channel.js'
import type { Channel } from '../channel/channel.js'
import type { ChannelHandlerContext } from '../channel/channel-handler-context.js'
import { ChannelOption } from '../channel/channel-option.js'
import type { ChannelPromise } from '../channel/channel-promise.js'
import { ChannelStateError } from '../channel/errors.js'
import { type DefaultEventLoop, socketLoop } from '../eventloop/default-event-loop.js'
import type { AcceptedSocketGuard, RawSocket } from './accepted-socket-guard.js'
import { isWildcard, type SocketAddress, TcpSocketAddress } from './address.js'
import { Connector, type HostResolver, resolveByDns } from './connector.js'

/** The server channel that accepted a connection, as far as that needs it. */
export interface ParentServer extends Channel {
  /** Its connections have TCP_NODELAY from accept on. */
  readonly childrenHaveNoDelay: boolean
  /** The connection is closed; it may never have been accepted. */
  onChildClosed(child: AbstractChannel): void
}

/** What only a channel has that connects. */
interface Connecting {
  readonly resolver: HostResolver
  readonly promise?: ChannelPromise
  connector?: Connector
}

/**
 * How a connection comes about and ends, on every transport: its raw socket, from accept or connect to close. Reading is
 * {@link AbstractSocketChannel}'s.
 */
export abstract class SocketConnection<S extends RawSocket> extends AbstractChannel {
  /** Undefined before connect and after close. */
  protected socket: S | undefined
  /** Owns the socket of an accepted connection until it is registered. */
  private guard: AcceptedSocketGuard | undefined
  protected state: 'open' | 'connecting' | 'connected' | 'closed'
  /** While it is connected; before that perhaps with a resolver only. Never of an accepted connection. */
  private connecting: Connecting | undefined = undefined
  protected local: SocketAddress | undefined = undefined
  protected remote: SocketAddress | undefined = undefined

  /** Without arguments: a channel to connect. With them: one that a server accepted. */
  constructor(parent?: ParentServer, socket?: S, guard?: AcceptedSocketGuard) {
    super(parent)
    this.socket = socket
    this.guard = guard
    this.state = socket === undefined ? 'open' : 'connected'
    if (socket === undefined) return
    this.remote = this.remoteAddressOf(socket)
    this.own(socket)
  }

  /** The events of the socket go to this channel from now on. */
  protected abstract own(socket: S): void
  /** What a socket needs when its channel is registered to a loop, perhaps to another one than before: memory, options. */
  protected abstract prepare(socket: S): void
  /** Starts one try; calls {@link adopt}, then `done`, or `done` alone with an error. What it returns abandons the try. */
  protected abstract attempt(
    address: SocketAddress,
    local: SocketAddress | undefined,
    done: (error: Error | undefined) => void,
  ): () => void
  /** The address itself; an error when this class of channel cannot bind or connect to it. */
  protected abstract checkAddress(address: SocketAddress): SocketAddress
  protected abstract closeSocket(socket: S, reset: boolean): void
  protected abstract localAddressOf(socket: S): SocketAddress | undefined
  protected abstract remoteAddressOf(socket: S): SocketAddress | undefined

  get isOpen(): boolean {
    return this.state !== 'closed'
  }

  get isActive(): boolean {
    return this.state === 'connected'
  }

  get localAddress(): SocketAddress | undefined {
    if (this.local === undefined && this.socket !== undefined) this.local = this.localAddressOf(this.socket)
    return this.local
  }

  get remoteAddress(): SocketAddress | undefined {
    return this.remote
  }

  /**
   * Of an accepted connection whose server listens on one address only: every connection has that one. What getsockname would say when
   * nobody asked before the close, for 5 % of the time of a connection that comes and goes (npm run bench -- accept-churn).
   */
  private get listenerAddress(): SocketAddress | undefined {
    const address = this.parent?.localAddress
    return address === undefined || isWildcard(address) ? undefined : address
  }

  /** Turns host names into addresses; what Bootstrap.resolver sets. */
  get resolver(): HostResolver {
    return this.connecting?.resolver ?? resolveByDns
  }

  set resolver(resolver: HostResolver) {
    this.connecting = { ...this.connecting, resolver }
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

  protected override doRegister(): void {
    const loop = socketLoop(this.eventLoop)
    if (this.socket !== undefined) this.prepare(this.socket)
    loop.addChannel(this)
  }

  protected override doDeregister(): void {
    ;(this.eventLoop as DefaultEventLoop).removeChannel(this)
  }

  protected doBind(localAddress: SocketAddress, promise: ChannelPromise): void {
    if (this.state !== 'open') throw new ChannelStateError(`bind: the channel is ${this.state}`)
    this.local = this.checkAddress(localAddress)
    promise.trySuccess()
  }

  protected doConnect(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void {
    if (this.state !== 'open') throw new ChannelStateError(`connect: the channel is ${this.state} already`)
    this.checkAddress(remoteAddress)
    const local = localAddress ?? this.local
    this.state = 'connecting'
    const { resolver } = this
    const connecting: Connecting = { resolver, promise }
    this.connecting = connecting // first: a connector may fail, or succeed, before it is made
    connecting.connector = new Connector({
      loop: this.eventLoop,
      remote: remoteAddress,
      resolver,
      timeoutMs: this.config.connectTimeoutMillis,
      attempt: (address, done) => this.attempt(address, localFor(local, address), done),
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

  /** A try to connect has succeeded. */
  protected adopt(socket: S, address: SocketAddress): void {
    this.socket = socket
    this.remote = address
    this.local = this.localAddressOf(socket)
    this.own(socket)
    this.prepare(socket)
  }

  /** The socket is given up. */
  protected detached(): void {}

  private connected(promise: ChannelPromise): void {
    this.connecting = undefined
    this.state = 'connected'
    this.activate(promise, false)
  }

  private connectFailed(promise: ChannelPromise, error: Error): void {
    this.connecting = undefined
    if (this.state === 'connecting') this.state = 'open'
    promise.tryFailure(error)
    this.closeBecause(error)
  }

  private detach(reset: boolean): void {
    if (this.state === 'closed') return
    const socket = this.socket
    if (socket !== undefined) this.local ??= this.listenerAddress ?? this.localAddressOf(socket) // while it can be read
    this.state = 'closed'
    const { guard, connecting } = this
    connecting?.connector?.cancel()
    this.detached()
    this.socket = undefined
    this.guard = undefined
    this.connecting = undefined
    if (socket !== undefined && (guard === undefined || !guard.closeBeforeHandOver(this.closeCause))) this.closeSocket(socket, reset)
    ;(this.parent as ParentServer | undefined)?.onChildClosed(this)
    connecting?.promise?.tryFailure(this.closedError())
  }
}

/** The wildcard stands for any address of the family of the remote one; a socket of another kind cannot be connected from. */
function localFor(local: SocketAddress | undefined, remote: SocketAddress): SocketAddress | undefined {
  if (!(local instanceof TcpSocketAddress) || !(remote instanceof TcpSocketAddress)) return undefined
  return local.address === '::' && remote.family === 4 ? new TcpSocketAddress('0.0.0.0', local.port) : local
}
