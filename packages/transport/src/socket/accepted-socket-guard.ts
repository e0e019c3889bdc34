import { getLogger, type ScheduledTask, toError } from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import type { RefusedEvent } from '../channel/channel-events.js'
import { ClosedChannelError, RegistrationTimeoutError } from '../channel/errors.js'
import type { SocketAddress } from './address.js'

/** A socket as it comes from accept, before any channel is made of it. */
export interface RawSocket {
  close(): void
}

/** The server channel that accepts, as the guard sees it. */
export interface GuardedServer<S extends RawSocket> extends AbstractChannel {
  /** The guards whose children are not registered yet although accept has returned. */
  readonly heldGuards: Set<AcceptedSocketGuard>
  readonly registrationTimeoutMs: number
  /** The guard whose child is in the server's pipeline just now. */
  admitting: AcceptedSocketGuard | undefined
  /** Makes the channel over the socket; may throw. */
  newChild(socket: S, guard: AcceptedSocketGuard): AbstractChannel
  remoteAddressOf(socket: S): SocketAddress | undefined
  /** Why no connection is admitted now, as the reason of the refused event; undefined when one is. Must not throw. */
  refusalReason(socket: S): string | undefined
  onAccepted(child: AbstractChannel): void
  onRefused(event: RefusedEvent): void
}

/** The one place where a raw accepted socket is closed. A test replaces it to prove that the other tests would see a leak. */
export const rawSocketCloser: { close(socket: RawSocket): void } = { close: (socket) => socket.close() }

/**
 * Owns an accepted socket from the accept callback until its channel is registered.
 *
 *     accept ──► guard ──► channel made ──► server pipeline ──► acceptor: childHandler, options, register ──► channelRegistered
 *                  │            │                 │                            │                                    │
 *                  └────────────┴── any exit ─────┴── closes the socket ───────┘                             handOver()
 *
 * Node never closes a socket by itself: an accepted one that is dropped stays in CLOSE_WAIT for ever, with no event. So every
 * exit before channelRegistered ends in {@link closeBeforeHandOver}: a throw, a message nobody took, a failed or overdue
 * registration, a server that closes meanwhile. So does a handlerAdded that throws: as in Netty the handler is removed and
 * exceptionCaught fired, and when no handler takes that the tail closes the channel. None of its methods throws: nobody could do
 * more than they do.
 */
export class AcceptedSocketGuard {
  private readonly server: GuardedServer<RawSocket>
  private readonly socket: RawSocket
  private state: 'owning' | 'handed over' | 'closed' = 'owning'
  private child: AbstractChannel | undefined = undefined
  private reason: string | undefined = undefined
  private cause: Error | undefined = undefined
  private deadline: ScheduledTask | undefined = undefined

  private constructor(server: GuardedServer<RawSocket>, socket: RawSocket) {
    this.server = server
    this.socket = socket
  }

  /** The socket is neither handed over nor closed yet. */
  get isOwner(): boolean {
    return this.state === 'owning'
  }

  /** Runs the accept path for one socket. Never throws: the caller is native code. */
  static accept<S extends RawSocket>(server: GuardedServer<S>, socket: S): void {
    const guarded = server as unknown as GuardedServer<RawSocket>
    const refused = server.refusalReason(socket)
    if (refused !== undefined) {
      server.eventLoop.counters.accepted++
      return closeRefused(guarded, socket, undefined, refused, undefined)
    }
    let guard: AcceptedSocketGuard | undefined
    let cause: Error | undefined
    try {
      guard = new AcceptedSocketGuard(guarded, socket)
      guard.admit()
    } catch (error) {
      cause = toError(error)
    } finally {
      server.admitting = undefined
      if (guard === undefined) closeRefused(guarded, socket, undefined, NO_CHANNEL, cause)
      else if (cause !== undefined) guard.refuse(guard.child === undefined ? NO_CHANNEL : 'the server could not admit it', cause)
      else if (guard.deadline === undefined) guard.closeBeforeHandOver()
    }
  }

  /** The channel is registered and owns the socket from now on. */
  handOver(): void {
    if (this.settle('handed over')) this.server.onAccepted(this.child as AbstractChannel)
  }

  /** Why the channel is going to be closed, for the refused event; the first one counts. The close itself comes next. */
  setCause(reason: string | undefined, cause: Error): void {
    this.reason ??= reason
    this.cause ??= cause
  }

  /** Closes the socket and its channel, unless the channel is registered. */
  refuse(reason: string, cause: Error): void {
    if (this.state !== 'owning') return
    this.reason ??= reason
    this.cause ??= cause
    try {
      this.child?.abandon(cause, reason)
    } catch (error) {
      getLogger().error('the channel of a refused connection could not be given up', error)
    } finally {
      this.closeBeforeHandOver()
    }
  }

  /** {@link refuse}, because the server is closed. */
  refuseByClosedServer(): void {
    this.refuse('the server was closed meanwhile', new ClosedChannelError('the server was closed before the connection was registered'))
  }

  /**
   * Closes the socket unless it was handed over; what the channel's own close calls until then. True when the socket is closed, now
   * or before; false when it is the channel's to close.
   */
  closeBeforeHandOver(cause?: Error): boolean {
    if (!this.settle('closed')) return this.state === 'closed'
    this.cause ??= cause
    this.reason ??= this.cause === undefined ? 'it was closed before it was registered' : 'the registration failed'
    closeRefused(this.server, this.socket, this.child, this.reason, this.cause)
    return true
  }

  private admit(): void {
    const { server } = this
    const { pipeline } = server
    server.eventLoop.counters.accepted++
    const child = server.newChild(this.socket, this)
    this.child = child
    server.admitting = this
    pipeline.handlerError = undefined
    pipeline.fireChannelRead(child)
    const thrown = pipeline.handlerError as Error | undefined
    pipeline.handlerError = undefined
    pipeline.fireChannelReadComplete()
    if (this.state !== 'owning') return
    if (thrown !== undefined) return this.refuse('a handler of the server threw', thrown)
    if (!server.isOpen) return this.refuseByClosedServer()
    if (child.isOpen) this.hold()
  }

  /** A parent handler keeps the channel (async admission), or its registration takes its time: there is a deadline. */
  private hold(): void {
    const { server } = this
    const timeoutMs = server.registrationTimeoutMs
    server.heldGuards.add(this)
    this.deadline = server.eventLoop.schedule(() => {
      this.refuse(
        'the registration timed out',
        new RegistrationTimeoutError(`an accepted connection was not registered within ${timeoutMs} ms (REGISTRATION_TIMEOUT_MS)`),
      )
    }, timeoutMs)
  }

  /** True for the first caller. */
  private settle(state: 'handed over' | 'closed'): boolean {
    if (this.state !== 'owning') return false
    this.state = state
    this.deadline?.cancel()
    this.server.heldGuards.delete(this)
    return true
  }
}

const NO_CHANNEL = 'no channel could be made'

/** Whatever else fails, the socket is closed; then the server is told. */
function closeRefused(
  server: GuardedServer<RawSocket>,
  socket: RawSocket,
  child: AbstractChannel | undefined,
  reason: string,
  cause: Error | undefined,
): void {
  let remoteAddress: SocketAddress | undefined
  try {
    remoteAddress = child?.remoteAddress ?? server.remoteAddressOf(socket)
  } catch {
    // Only for the event: without memory for the address there is still a socket to close.
  } finally {
    rawSocketCloser.close(socket)
  }
  try {
    server.onRefused({ reason, remoteAddress, cause })
  } catch (error) {
    getLogger().error('a refused connection could not be reported', error)
  }
}
