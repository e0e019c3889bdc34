import { diagnostics, type Future, toError, UnsupportedOperationError } from '@knotty/common'
import { AbstractChannel } from '../channel/abstract-channel.js'
import type { ServerChannel } from '../channel/channel.js'
import type { RefusedEvent } from '../channel/channel-events.js'
import type { ChannelHandlerContext } from '../channel/channel-handler-context.js'
import { ChannelList } from '../channel/channel-list.js'
import { ChannelOption } from '../channel/channel-option.js'
import type { ChannelPromise } from '../channel/channel-promise.js'
import { ChannelStateError } from '../channel/errors.js'
import { LimitedWarning } from '../channel/limited-warning.js'
import type { DefaultEventLoop } from '../eventloop/default-event-loop.js'
import { AcceptedSocketGuard, type GuardedServer, type RawSocket } from './accepted-socket-guard.js'
import { type SocketAddress, TcpSocketAddress, UnixSocketAddress } from './address.js'
import {
  exceedsHeadroom,
  REFUSED_BY_AUTO_READ,
  REFUSED_BY_DEREGISTRATION,
  REFUSED_BY_HEADROOM,
  REFUSED_BY_MAX_CONNECTIONS,
} from './admission.js'
import { bindCandidates, isNoSuchAddress, resolveForBind } from './bind-address.js'
import { descriptorLimit } from './descriptor-limit.js'
import { drain, type DrainOptions, type DrainReport, joinDrain } from './drain.js'
import type { ParentServer } from './socket-connection.js'

const DEFAULT_REGISTRATION_TIMEOUT_MS = 10_000
const DEFAULT_HEADROOM = 32
/** When the queue of accept is full, a client of a connection storm may believe it is connected and get no byte. */
export const DEFAULT_BACKLOG = 4096

/**
 * What every listening channel does, whatever it listens on: it guards each accepted socket until that is registered, refuses what
 * it has no room for, knows its open connections and drains them.
 *
 * A transport opens and closes the listener and gives each accepted socket to {@link admit}.
 */
export abstract class AbstractServerChannel<S extends RawSocket>
  extends AbstractChannel
  implements ServerChannel, GuardedServer<S>, ParentServer
{
  readonly remoteAddress: undefined = undefined
  readonly heldGuards: Set<AcceptedSocketGuard> = new Set<AcceptedSocketGuard>()
  admitting: AcceptedSocketGuard | undefined = undefined
  childrenHaveNoDelay = false
  /** The options its children know. */
  abstract readonly supportedChildOptions: ReadonlySet<ChannelOption<unknown>>
  protected state: 'open' | 'binding' | 'bound' | 'closed' = 'open'
  protected local: SocketAddress | undefined = undefined
  private bindPromise: ChannelPromise | undefined = undefined
  /** The call of bind has not returned. */
  private inBind = false
  private activeFired = false
  private readonly children = new ChannelList<AbstractChannel>('serverPlace')
  private readonly warnings = new LimitedWarning()

  constructor() {
    super(undefined)
  }

  /** Makes the channel of one accepted connection; override to make another class of channel, which must get the guard. */
  abstract newChild(socket: S, guard: AcceptedSocketGuard): AbstractChannel
  abstract remoteAddressOf(socket: S): SocketAddress | undefined
  /** The number of the socket's descriptor; undefined when the transport cannot tell. */
  protected abstract descriptorOf(socket: S): number | undefined
  /** The address itself; an error when this class of channel cannot listen there. */
  protected abstract checkAddress(address: SocketAddress): SocketAddress
  /** Opens the listener at an address that is no host name, now or later; then {@link listening}, or `failed`, or a throw. */
  protected abstract listen(address: SocketAddress, promise: ChannelPromise, failed: (error: Error) => void): void
  protected abstract closeListener(): void
  /** Leaves further connections in the queue of the kernel, if the transport can; otherwise they are refused as they come. */
  protected parkListener(): void {}
  /** Takes them again. */
  protected unparkListener(): void {}

  override get isServer(): boolean {
    return true
  }

  get isOpen(): boolean {
    return this.state !== 'closed'
  }

  get isActive(): boolean {
    return this.state === 'bound'
  }

  get localAddress(): SocketAddress | undefined {
    return this.local
  }

  get registrationTimeoutMs(): number {
    return this.config.getOption(ChannelOption.REGISTRATION_TIMEOUT_MS) ?? DEFAULT_REGISTRATION_TIMEOUT_MS
  }

  private get wantsConnection(): boolean {
    return this.registered && (this.config.autoRead || this.readPending)
  }

  get connectionCount(): number {
    return this.children.size + this.heldGuards.size
  }

  /** Its open connections that are registered. */
  get connections(): Iterable<AbstractChannel> {
    return this.children
  }

  drain(options?: DrainOptions): Future<DrainReport> {
    return drain(this, options)
  }

  /** Of an admitted connection: takes the read that asked for it. */
  refusalReason(socket: S): string | undefined {
    if (!this.wantsConnection) return this.registered ? REFUSED_BY_AUTO_READ : REFUSED_BY_DEREGISTRATION
    if (this.connectionCount >= (this.config.getOption(ChannelOption.MAX_CONNECTIONS) ?? Number.POSITIVE_INFINITY)) {
      return REFUSED_BY_MAX_CONNECTIONS
    }
    const headroom = this.config.getOption(ChannelOption.DESCRIPTOR_HEADROOM) ?? DEFAULT_HEADROOM
    if (exceedsHeadroom(this.descriptorOf(socket), headroom)) return REFUSED_BY_HEADROOM
    this.readPending = false
    return undefined
  }

  /** The limit and the actual value, for the log: the reason itself stays the same text, a label for metrics. */
  private refusalDetail(reason: string): string {
    if (reason === REFUSED_BY_MAX_CONNECTIONS) return ` (${this.connectionCount}, MAX_CONNECTIONS)`
    if (reason !== REFUSED_BY_HEADROOM) return ''
    const headroom = this.config.getOption(ChannelOption.DESCRIPTOR_HEADROOM) ?? DEFAULT_HEADROOM
    return ` (limit ${descriptorLimit()}, DESCRIPTOR_HEADROOM ${headroom})`
  }

  onAccepted(child: AbstractChannel): void {
    this.children.add(child)
    if (!this.isOpen) joinDrain(this, child) // its own initializer may have closed the server
    this.emitter?.emit('accepted', child)
  }

  onChildClosed(child: AbstractChannel): void {
    this.children.delete(child)
  }

  onRefused(event: RefusedEvent): void {
    this.eventLoop.counters.refused++
    const unnamed = this.local instanceof UnixSocketAddress ? 'a Unix domain socket' : 'a peer that is gone'
    const peer = String(event.remoteAddress ?? unnamed)
    this.warn(`closed a connection from ${peer}: ${event.reason}${this.refusalDetail(event.reason)}`, event.cause)
    if (diagnostics.acceptRefused.hasSubscribers) diagnostics.acceptRefused.publish({ server: this, ...event })
    this.emitter?.emit('refused', event)
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

  override autoReadChanged(autoRead: boolean): void {
    super.autoReadChanged(autoRead)
    if (autoRead) return
    this.readPending = false
    if (this.isActive) this.parkListener()
  }

  /** Takes one accepted socket: a channel is made of it, or it is closed. Never throws. */
  protected admit(socket: S): void {
    if (!this.activeFired) this.fireActive() // it came before the task that does so
    AcceptedSocketGuard.accept(this, socket)
    if (!this.wantsConnection && this.isActive) this.parkListener()
  }

  /** The listener is open, and bound to this address. */
  protected listening(address: SocketAddress, promise: ChannelPromise): void {
    this.local = address
    this.state = 'bound'
    this.bindPromise = undefined
    if (!this.wantsConnection) this.parkListener()
    // A task would come too late when bind() has returned already: the next poll may bring a connection.
    this.activate(promise, this.inBind)
  }

  protected override fireActive(): void {
    if (this.activeFired) return
    this.activeFired = true
    super.fireActive()
  }

  protected warn(message: string, error: Error | undefined): void {
    this.warnings.warn(this.eventLoop.ticker.now(), () => `${this.toString()} ${message}`, error)
  }

  protected override doRegister(): void {
    ;(this.eventLoop as DefaultEventLoop).addChannel(this)
  }

  /** Registered again: takes the connection that was asked for before. (With AUTO_READ on the lifecycle asks.) */
  override registeredInPipeline(): void {
    super.registeredInPipeline()
    if (this.readPending) this.beginRead()
  }

  /** Without an event loop there are no events, also none of connections. */
  protected override doDeregister(): void {
    if (this.isActive) this.parkListener()
    ;(this.eventLoop as DefaultEventLoop).removeChannel(this)
  }

  protected doBind(localAddress: SocketAddress, promise: ChannelPromise): void {
    if (!this.isRegistered) throw new ChannelStateError('bind: register the channel to an event loop first (ServerBootstrap does)')
    if (this.state !== 'open') throw new ChannelStateError(`bind: the channel is ${this.state} already`)
    this.checkAddress(localAddress)
    this.state = 'binding'
    this.bindPromise = promise
    this.inBind = true
    try {
      if (localAddress instanceof TcpSocketAddress && localAddress.isUnresolved) void this.resolveAndListen(localAddress, promise)
      else this.listenOnFirst(bindCandidates(localAddress, this.config.getOption(ChannelOption.IPV6_V6ONLY) ?? false), promise)
    } finally {
      this.inBind = false
    }
  }

  private async resolveAndListen(address: TcpSocketAddress, promise: ChannelPromise): Promise<void> {
    try {
      const found = await resolveForBind(address)
      if (this.state === 'binding') this.listenOnFirst(found, promise)
    } catch (error) {
      this.operationFailed(promise, toError(error))
    }
  }

  /** A name may have addresses that this machine has not (::1 without IPv6). */
  private listenOnFirst([address, ...others]: readonly SocketAddress[], promise: ChannelPromise): void {
    const failed = (error: Error): void => {
      if (this.state === 'closed') return
      if (others.length > 0 && isNoSuchAddress(error)) this.listenOnFirst(others, promise)
      else this.operationFailed(promise, error)
    }
    try {
      this.listen(address as SocketAddress, promise, failed)
    } catch (error) {
      failed(toError(error))
    }
  }

  protected doConnect(): void {
    throw new UnsupportedOperationError('a server channel cannot connect')
  }

  protected doClose(): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    try {
      this.closeListener()
    } finally {
      this.bindPromise?.tryFailure(this.closedError()) // a name lookup under way may take long
      this.bindPromise = undefined
      for (const guard of this.heldGuards) guard.refuseByClosedServer()
      this.warnings.end((count) => `${this.toString()} closed ${count} more connections before they were registered`)
    }
  }

  protected override operationFailed(promise: ChannelPromise, error: Error): void {
    if (this.state === 'binding') this.state = 'open'
    super.operationFailed(promise, toError(error))
  }

  protected doShutdownInput(): void {
    throw new UnsupportedOperationError('a server channel has no input')
  }

  protected doShutdownOutput(): void {
    throw new UnsupportedOperationError('a server channel has no output')
  }

  protected doBeginRead(): void {
    this.readPending = true
    if (this.registered) this.unparkListener()
  }

  protected doWrite(): void {}

  protected filterOutboundMessage(): unknown {
    throw new UnsupportedOperationError('a server channel has no peer to write to')
  }
}
