import { release } from '@knotty/buffer'
import { diagnostics, getLogger, toError, UnsupportedOperationError } from '@knotty/common'
import { AbstractChannel } from '../../channel/abstract-channel.js'
import type { ServerChannel, TransportName } from '../../channel/channel.js'
import type { RefusedEvent } from '../../channel/channel-events.js'
import type { ChannelHandlerContext } from '../../channel/channel-handler-context.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { ChannelStateError } from '../../channel/errors.js'
import { type DefaultEventLoop, reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AcceptedSocketGuard, type GuardedServer } from '../accepted-socket-guard.js'
import { type SocketAddress, TcpSocketAddress } from '../address.js'
import { resolveByDns } from '../connector.js'
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

/** With 128, 883 of 1,500 clients that connected at once believed they were connected and got no byte. */
const DEFAULT_BACKLOG = 4096
const DEFAULT_REGISTRATION_TIMEOUT_MS = 10_000
/** What the kernel says to bind on `::` where there is no IPv6. */
const NO_IPV6: ReadonlySet<unknown> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

/**
 * A listening TCP socket on Node's own handle. Accepted handles become {@link LibuvSocketChannel}s without a net.Socket between,
 * and go through this channel's pipeline as messages; each is guarded until it is registered.
 */
export class LibuvServerChannel extends AbstractChannel implements ServerChannel, GuardedServer<TcpHandle> {
  readonly transport: TransportName = 'libuv'
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = OPTIONS
  readonly remoteAddress: undefined = undefined
  readonly heldGuards: Set<AcceptedSocketGuard> = new Set<AcceptedSocketGuard>()
  private handle: TcpHandle | undefined = undefined
  private state: 'open' | 'binding' | 'bound' | 'closed' = 'open'
  private local: TcpSocketAddress | undefined = undefined

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

  /** Makes the channel of one accepted connection; override to make another class of channel. */
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
    getLogger().warn(`${this.toString()} closed a connection from ${String(event.remoteAddress ?? 'a peer that is gone')}: ${event.reason}`, event.cause)
    if (diagnostics.acceptRefused.hasSubscribers) diagnostics.acceptRefused.publish({ server: this, ...event })
    this.emitter?.emit('refused', event)
  }

  /** From native code. */
  onConnection(status: number, client: TcpHandle | undefined): void {
    if (status !== 0 || client === undefined) {
      getLogger().warn(`${this.toString()} could not accept a connection`, uvError(status, 'accept'))
      return
    }
    this.eventLoop.counters.accepted++
    AcceptedSocketGuard.accept(this, client)
  }

  /** An accepted channel that no handler took is closed by its guard, as soon as this returns. */
  override onUnhandledMessage(ctx: ChannelHandlerContext, msg: unknown): void {
    if (!(msg instanceof AbstractChannel)) return super.onUnhandledMessage(ctx, msg)
    msg.abandon(new ChannelStateError('no handler of the server channel took the accepted connection'))
  }

  protected override doRegister(): void {
    ;(this.eventLoop as DefaultEventLoop).addChannel(this)
  }

  protected override doDeregister(): void {
    ;(this.eventLoop as DefaultEventLoop).removeChannel(this)
  }

  protected doBind(localAddress: SocketAddress, promise: ChannelPromise): void {
    if (this.state !== 'open') throw new ChannelStateError(`bind: the channel is ${this.state} already`)
    if (!(localAddress instanceof TcpSocketAddress)) throw new ChannelStateError('a TCP server is bound to { address, port }')
    this.state = 'binding'
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
    for (const guard of [...this.heldGuards]) guard.refuse('the server was closed meanwhile', undefined)
  }

  protected doShutdownInput(): void {
    throw new UnsupportedOperationError('a server channel has no input')
  }

  protected doShutdownOutput(): void {
    throw new UnsupportedOperationError('a server channel has no output')
  }

  protected doBeginRead(): void {}

  protected doWrite(): void {}

  protected filterOutboundMessage(msg: unknown): unknown {
    release(msg)
    throw new UnsupportedOperationError('a server channel has no peer to write to')
  }

  private async resolveAndListen(address: TcpSocketAddress, promise: ChannelPromise): Promise<void> {
    try {
      const [first] = await resolveByDns(address.address)
      if (this.state !== 'binding') throw this.closedError()
      this.listen(new TcpSocketAddress(first as string, address.port), promise)
    } catch (error) {
      this.operationFailed(promise, toError(error))
    }
  }

  private listen(address: TcpSocketAddress, promise: ChannelPromise): void {
    const handle = this.openListener(address)
    this.handle = handle
    this.local = localAddressOf(handle) ?? address
    handle.owner = this
    this.state = 'bound'
    this.activate(promise, true)
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
      if (address.address === '::' && NO_IPV6.has((error as { code?: unknown }).code)) {
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
