import { diagnostics, toError, UnsupportedOperationError } from '@knotty/common'
import { AbstractChannel } from '../../channel/abstract-channel.js'
import type { ServerChannel, TransportName } from '../../channel/channel.js'
import type { RefusedEvent } from '../../channel/channel-events.js'
import type { ChannelHandlerContext } from '../../channel/channel-handler-context.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { ChannelError, ChannelStateError } from '../../channel/errors.js'
import { type DefaultEventLoop, reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AcceptedSocketGuard, type GuardedServer } from '../accepted-socket-guard.js'
import { noUnixSockets, type SocketAddress, TcpSocketAddress } from '../address.js'
import { resolveByDns } from '../connector.js'
import { LimitedWarning } from '../../channel/limited-warning.js'
import type { TcpHandle } from './binding.js'
import { LibuvSocketChannel } from './libuv-socket-channel.js'
import { bindHandle, listenHandle, localAddressOf, newListenerHandle, remoteAddressOf } from './tcp-handle.js'
import { uvError } from './uv-error.js'

const OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set<ChannelOption<unknown>>([
  ChannelOption.SO_BACKLOG,
  ChannelOption.IPV6_V6ONLY,
  ChannelOption.REGISTRATION_TIMEOUT_MS,
  ChannelOption.ALLOCATOR,
])

/** When the queue of accept is full, a client of a connection storm may believe it is connected and get no byte. */
const DEFAULT_BACKLOG = 4096
const DEFAULT_REGISTRATION_TIMEOUT_MS = 10_000
/** What the kernel says to bind on an address it does not have: `::` where there is no IPv6. */
const NO_SUCH_ADDRESS: ReadonlySet<unknown> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

/**
 * A listening TCP socket on Node's own handle. Accepted handles become {@link LibuvSocketChannel}s without a net.Socket between,
 * and go through this channel's pipeline as messages; each is guarded until it is registered.
 */
export class LibuvServerChannel extends AbstractChannel implements ServerChannel, GuardedServer<TcpHandle> {
  readonly transport: TransportName = 'libuv'
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = OPTIONS
  readonly remoteAddress: undefined = undefined
  readonly heldGuards: Set<AcceptedSocketGuard> = new Set<AcceptedSocketGuard>()
  admitting: AcceptedSocketGuard | undefined = undefined
  private handle: TcpHandle | undefined = undefined
  private state: 'open' | 'binding' | 'bound' | 'closed' = 'open'
  private local: TcpSocketAddress | undefined = undefined
  private bindPromise: ChannelPromise | undefined = undefined
  private readonly warnings = new LimitedWarning()

  constructor() {
    super(undefined)
  }

  override get isServer(): boolean {
    return true
  }

  get isOpen(): boolean {
    return this.state !== 'closed'
  }

  get isActive(): boolean {
    return this.state === 'bound'
  }

  get localAddress(): TcpSocketAddress | undefined {
    return this.local
  }

  get registrationTimeoutMs(): number {
    return this.config.getOption(ChannelOption.REGISTRATION_TIMEOUT_MS) ?? DEFAULT_REGISTRATION_TIMEOUT_MS
  }

  /** The options its children know. */
  get supportedChildOptions(): ReadonlySet<ChannelOption<unknown>> {
    return LibuvSocketChannel.OPTIONS
  }

  /** Makes the channel of one accepted connection; override to make another class of channel, which must get the guard. */
  newChild(handle: TcpHandle, guard: AcceptedSocketGuard): LibuvSocketChannel {
    return new LibuvSocketChannel(this, handle, guard)
  }

  remoteAddressOf(handle: TcpHandle): SocketAddress | undefined {
    return remoteAddressOf(handle)
  }

  onAccepted(child: AbstractChannel): void {
    this.emitter?.emit('accepted', child)
  }

  onRefused(event: RefusedEvent): void {
    this.eventLoop.counters.refused++
    const peer = String(event.remoteAddress ?? 'a peer that is gone')
    this.warn(`closed a connection from ${peer}: ${event.reason}`, event.cause)
    if (diagnostics.acceptRefused.hasSubscribers) diagnostics.acceptRefused.publish({ server: this, ...event })
    this.emitter?.emit('refused', event)
  }

  /** From native code. */
  onConnection(status: number, client: TcpHandle | undefined): void {
    if (status !== 0 || client === undefined) this.warn('could not accept a connection', uvError(status, 'accept'))
    else AcceptedSocketGuard.accept(this, client)
  }

  /** An accepted channel that no handler took is closed at once; one that a handler registered and passed on is not. */
  override onUnhandledMessage(ctx: ChannelHandlerContext, msg: unknown): void {
    if (!(msg instanceof AbstractChannel)) return super.onUnhandledMessage(ctx, msg)
    if (msg.isRegistered) return
    const reason = 'no handler of the server took it'
    msg.abandon(new ChannelStateError(`an accepted connection was closed: ${reason} (${this.pipeline.toString()})`), reason)
  }

  /** What a handler threw at an accepted channel is told in the line of the refused connection. */
  override onUncaughtException(ctx: ChannelHandlerContext, cause: Error): void {
    if (this.admitting?.isOwner !== true || cause !== this.pipeline.handlerError) return super.onUncaughtException(ctx, cause)
    if (diagnostics.exceptionUncaught.hasSubscribers) diagnostics.exceptionUncaught.publish({ channel: this, cause })
    this.emitter?.emit('exception', cause)
    if (this.pipeline.closeOnUncaught) this.close()
  }

  protected override doRegister(): void {
    ;(this.eventLoop as DefaultEventLoop).addChannel(this)
  }

  protected override doDeregister(): void {
    ;(this.eventLoop as DefaultEventLoop).removeChannel(this)
  }

  protected doBind(localAddress: SocketAddress, promise: ChannelPromise): void {
    if (!this.isRegistered) throw new ChannelStateError('bind: register the channel to an event loop first (ServerBootstrap does)')
    if (this.state !== 'open') throw new ChannelStateError(`bind: the channel is ${this.state} already`)
    if (!(localAddress instanceof TcpSocketAddress)) throw noUnixSockets(localAddress)
    this.state = 'binding'
    this.bindPromise = promise
    if (localAddress.isUnresolved) void this.resolveAndListen(localAddress, promise)
    else this.listen(localAddress, promise)
  }

  protected doConnect(): void {
    throw new UnsupportedOperationError('a server channel cannot connect')
  }

  protected doClose(): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.handle?.close()
    this.handle = undefined
    this.bindPromise?.tryFailure(this.closedError()) // a name lookup under way may take long
    this.bindPromise = undefined
    for (const guard of this.heldGuards) guard.refuseByClosedServer()
    this.warnings.end((count) => `${this.toString()} closed ${count} more connections before they were registered`)
  }

  protected override operationFailed(promise: ChannelPromise, error: Error): void {
    if (this.state === 'binding') this.state = 'open'
    super.operationFailed(promise, error)
  }

  protected doShutdownInput(): void {
    throw new UnsupportedOperationError('a server channel has no input')
  }

  protected doShutdownOutput(): void {
    throw new UnsupportedOperationError('a server channel has no output')
  }

  protected doBeginRead(): void {}

  protected doWrite(): void {}

  protected filterOutboundMessage(): unknown {
    throw new UnsupportedOperationError('a server channel has no peer to write to')
  }

  private async resolveAndListen(address: TcpSocketAddress, promise: ChannelPromise): Promise<void> {
    try {
      const found = await resolveByDns(address.address)
      if (this.state !== 'binding') throw this.closedError()
      if (found.length === 0) throw new ChannelError(`bind: no address was found for "${address.address}"`)
      this.listenOnFirst(found.map((each) => new TcpSocketAddress(each, address.port)), promise)
    } catch (error) {
      this.operationFailed(promise, toError(error))
    }
  }

  /** A name may have addresses that this machine has not (::1 without IPv6). */
  private listenOnFirst(addresses: readonly TcpSocketAddress[], promise: ChannelPromise): void {
    const [address, ...others] = addresses as readonly [TcpSocketAddress, ...TcpSocketAddress[]]
    try {
      this.listen(address, promise)
    } catch (error) {
      if (others.length === 0 || !NO_SUCH_ADDRESS.has((error as { code?: unknown }).code)) throw error
      this.listenOnFirst(others, promise)
    }
  }

  private listen(address: TcpSocketAddress, promise: ChannelPromise): void {
    const handle = this.openListener(address)
    this.handle = handle
    this.local = localAddressOf(handle) ?? address
    handle.owner = this
    this.state = 'bound'
    this.bindPromise = undefined
    this.activate(promise, true)
  }

  private warn(message: string, error: Error | undefined): void {
    this.warnings.warn(this.eventLoop.ticker.now(), () => `${this.toString()} ${message}`, error)
  }

  private openListener(address: TcpSocketAddress): TcpHandle {
    const handle = newListenerHandle()
    handle.onconnection = onconnection
    try {
      bindHandle(handle, address, this.config.getOption(ChannelOption.IPV6_V6ONLY) ?? false)
      listenHandle(handle, this.config.getOption(ChannelOption.SO_BACKLOG) ?? DEFAULT_BACKLOG, address)
      return handle
    } catch (error) {
      handle.close()
      if (address.address === '::' && NO_SUCH_ADDRESS.has((error as { code?: unknown }).code)) {
        return this.openListener(new TcpSocketAddress('0.0.0.0', address.port))
      }
      throw error
    }
  }
}

/** One function for all listeners. */
function onconnection(this: TcpHandle, status: number, client: TcpHandle | undefined): void {
  try {
    ;(this.owner as LibuvServerChannel).onConnection(status, client)
  } catch (error) {
    reportNativeEntryError(error)
  }
}
