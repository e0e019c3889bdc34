import { getLogger, type ScheduledTask, toError } from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import type { RefusedEvent } from '../channel/channel-events.js'
import { RegistrationTimeoutError } from '../channel/errors.js'
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
  /** Makes the channel over the socket; may throw. */
  newChild(socket: S, guard: AcceptedSocketGuard): AbstractChannel
  remoteAddressOf(socket: S): SocketAddress | undefined
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
 * registration, a server that closes meanwhile.
 */
export class AcceptedSocketGuard {
  private readonly server: GuardedServer<RawSocket>
  private readonly socket: RawSocket
  private child: AbstractChannel | undefined = undefined
  private settled = false
  private reason = 'the channel was closed before it was registered'
  private cause: Error | undefined = undefined
  private deadline: ScheduledTask | undefined = undefined

  private constructor(server: GuardedServer<RawSocket>, socket: RawSocket) {
    this.server = server
    this.socket = socket
  }

  /** Runs the accept path for one socket. Never throws: the caller is native code. */
  static accept<S extends RawSocket>(server: GuardedServer<S>, socket: S): void {
    let guard: AcceptedSocketGuard | undefined
    try {
      guard = new AcceptedSocketGuard(server as unknown as GuardedServer<RawSocket>, socket)
      guard.admit()
    } catch (error) {
      if (guard === undefined) getLogger().error('an accepted socket was closed: nothing could be made to guard it', error)
      else guard.refuse('no channel could be made', toError(error))
    } finally {
      if (guard === undefined) rawSocketCloser.close(socket)
      else if (guard.deadline === undefined) guard.closeBeforeHandOver()
    }
  }

  /** The channel is registered and owns the socket from now on. */
  handOver(): void {
    if (this.settle()) this.server.onAccepted(this.child as AbstractChannel)
  }

  /** Why the channel is going to be closed, for the refused event; the close itself comes next. */
  setCause(cause: Error): void {
    this.reason = 'the initializer failed'
    this.cause ??= cause
  }

  /** Closes the socket and its channel, unless the channel is registered. */
  refuse(reason: string, cause: Error | undefined): void {
    if (this.settled) return
    this.reason = reason
    this.cause ??= cause
    try {
      this.child?.abandon(cause ?? new Error(reason))
    } finally {
      this.closeBeforeHandOver()
    }
  }

  /** Closes the socket, unless it was handed over; what the channel's own close calls until then. */
  closeBeforeHandOver(): void {
    if (!this.settle()) return
    const remoteAddress = this.server.remoteAddressOf(this.socket)
    rawSocketCloser.close(this.socket)
    this.server.onRefused({ reason: this.reason, remoteAddress, cause: this.cause })
  }

  private admit(): void {
    const { server } = this
    const child = server.newChild(this.socket, this)
    this.child = child
    const errorsBefore = server.pipeline.handlerErrors
    server.pipeline.fireChannelRead(child)
    const threw = server.pipeline.handlerErrors !== errorsBefore
    server.pipeline.fireChannelReadComplete()
    if (this.settled) return
    if (threw) return this.refuse('a handler of the server threw', undefined)
    if (!child.isOpen) return
    this.hold()
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
  private settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.deadline?.cancel()
    this.server.heldGuards.delete(this)
    return true
  }
}
