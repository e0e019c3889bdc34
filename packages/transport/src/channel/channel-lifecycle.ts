import { getLogger, RejectedExecutionError, toError } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'
import type { ChannelFuture } from './channel-future.js'
import type { ChannelPromise } from './channel-promise.js'
import { ChannelState } from './channel-state.js'
import { ChannelStateError, ClosedChannelError } from './errors.js'
import { defineRare } from './rare-state.js'

/**
 * The order of events when a channel is registered, closed and deregistered, the same for every transport.
 *
 *     register ─► doRegister ─► handlerAdded, initializers ─► promise ─► channelRegistered ─► channelActive when connected
 *
 *     close ─► outbound buffer detached: later writes fail ─► doClose ─► closeFuture ─► promise ─► pending writes fail, in order
 *           ─► in a later task: doDeregister, channelInactive if it was active, channelUnregistered, handlerRemoved last to first
 */
export abstract class ChannelLifecycle extends ChannelState {
  /** What closed the channel, for the errors of later writes. */
  declare protected closeCause: Error | undefined
  /** What ended the output alone: the cause of later writes until the channel is closed for another one. */
  declare protected outputShutdown: Error | undefined
  /** The promise of a registration that waits for async initializers. */
  declare private pendingRegistration: ChannelPromise | undefined
  static {
    defineRare(this.prototype, ['closeCause', 'outputShutdown', 'pendingRegistration'])
  }

  /** Takes the event loop's resources; a throw fails the registration and closes the channel. */
  protected doRegister(): void {}
  /** Gives them back; called once for each doRegister that returned. */
  protected doDeregister(): void {}
  /** Closes the socket at once. */
  protected abstract doClose(): void
  /** Closes with a reset, where the transport has one. */
  protected doAbort(): void {
    this.doClose()
  }

  abstract beginRead(): void

  get isAnnounced(): boolean {
    return this.registered && this.announced
  }

  abort(): ChannelFuture {
    const promise = this.newPromise()
    this.closeWith(promise, new ClosedChannelError('the channel was aborted'), true)
    return promise
  }

  /**
   * Internal, what {@link EventLoop.register} does. The promise completes after handlerAdded of all handlers, async initializers
   * included; then channelRegistered and, when connected, channelActive are fired. On failure the channel is closed.
   */
  register0(loop: EventLoop, promise: ChannelPromise): void {
    if (this.registered) return void promise.tryFailure(new ChannelStateError(`${this.toString()} is registered already`))
    if (!promise.setUncancellable() || !this.ensureOpen(promise)) return
    this.loop = loop
    try {
      this.doRegister()
      const first = !this.everRegistered
      this.everRegistered = true
      this.registered = true
      this.announced = false
      this.pipeline.registered()
      if (this.pipeline.initializing === undefined) this.completeRegistration(promise, first)
      else void this.awaitInitializers(promise, first)
    } catch (error) {
      this.registrationFailed(promise, toError(error))
    }
  }

  close0(promise: ChannelPromise): void {
    this.closeWith(promise, undefined, false)
  }

  /** Internal: closes the socket without any event, for a channel that was never registered. Its pending writes fail. */
  closeForcibly(): void {
    const first = !this.closeInitiated
    const buffer = this.endOutput()
    this.closeInitiated = true
    try {
      this.doClose()
    } catch (error) {
      getLogger().warn(`closing ${this.toString()} failed`, error)
    }
    this.closing?.setClosed()
    if (first) this.emitter?.emit('close')
    if (buffer === undefined) return
    buffer.failFlushed(this.closedError(), false)
    buffer.close(this.closedError())
  }

  /**
   * Internal: gives up a channel whose registration has not completed. A pending registration fails with `cause`; handlers that
   * got handlerAdded get handlerRemoved; no other event. A channel that is registered all the same is closed like any other.
   *
   * @param _reason for the refused event of the server channel
   */
  abandon(cause: Error, _reason?: string): void {
    this.closeCause ??= cause
    if (this.pendingRegistration !== undefined) this.registrationFailed(this.pendingRegistration, cause)
    else if (this.registered) return this.closeBecause(cause)
    else this.closeForcibly()
    this.pipeline.destroy()
  }

  /** Always in a later task: a handler may ask for it from inside a read, and must not lose its loop there (netty#4435). */
  deregister0(promise: ChannelPromise): void {
    this.deregister1(promise, false)
  }

  /** A handler's initializer failed; its close() comes next. */
  initializationFailed(cause: Error): void {
    this.closeCause ??= cause
    getLogger().warn(`initialising ${this.toString()} failed, the channel is closed`, cause)
  }

  /** The head has got channelRegistered: from here on the channel is known to its handlers. */
  registeredInPipeline(): void {
    this.emitter?.emit('registered')
  }

  protected fireActive(): void {
    this.emitter?.emit('active')
    this.pipeline.fireChannelActive()
  }

  /** Runs `task` as a task of the loop, so that two callbacks of one handler never overlap. */
  protected later(task: () => void): void {
    try {
      this.eventLoop.execute(task)
    } catch (error) {
      if (!(error instanceof RejectedExecutionError)) throw error
      getLogger().warn(`${this.toString()}: the event loop is shut down, an event is lost`, error)
    }
  }

  protected closedError(): ClosedChannelError {
    const cause = this.closeCause ?? this.outputShutdown
    return new ClosedChannelError(undefined, cause === undefined ? undefined : { cause })
  }

  /** Closes because of `error`: later writes carry it as their cause. */
  protected closeBecause(error: Error): void {
    this.closeCause ??= error
    this.closeWith(this.newPromise(), undefined, false)
  }

  /**
   * Closes; what is flushed fails with `flushedCause`, what is not with `unflushedCause`; with a ClosedChannelError where none is given,
   * which is made only when something waits: its stack took 7 % of the time of connections that come and go (npm run bench -- accept-churn).
   */
  protected closeWith(
    promise: ChannelPromise,
    flushedCause: Error | undefined,
    abort: boolean,
    unflushedCause: Error | undefined = flushedCause,
  ): void {
    if (!promise.setUncancellable()) return
    if (this.closeInitiated) {
      if (this.isOpen) this.closeFuture.addListener(() => promise.trySuccess())
      else promise.trySuccess()
      return
    }
    this.closeInitiated = true
    const wasActive = this.isActive
    const buffer = this.endOutput()
    try {
      if (abort) this.doAbort()
      else this.doClose()
      this.closing?.setClosed()
      promise.trySuccess()
    } catch (error) {
      this.closing?.setClosed()
      promise.tryFailure(error)
    }
    this.emitter?.emit('close')
    if (buffer !== undefined && buffer.messages > 0) {
      const closed = flushedCause === undefined || unflushedCause === undefined ? this.closedError() : flushedCause
      buffer.failFlushed(flushedCause ?? closed, false)
      buffer.close(unflushedCause ?? closed)
    }
    const held = this.pendingRegistration
    if (held !== undefined) {
      // Nobody was told of a channel that async initializers hold back, so nobody is told of its end.
      this.later(() => {
        this.registrationFailed(held, this.closedError())
        this.pipeline.destroy()
      })
    } else if (this.inFlush) this.later(() => this.deregister1(this.newPromise(), wasActive))
    else this.deregister1(this.newPromise(), wasActive)
  }

  /** An operation may have found the socket closed, or closed it: then the channel closes with it. */
  protected closeIfClosed(): void {
    if (!this.isOpen) this.close0(this.newPromise())
  }

  protected ensureOpen(promise: ChannelPromise): boolean {
    if (this.isOpen) return true
    promise.tryFailure(this.closedError())
    return false
  }

  /** True until the handlers are told of the registration; the read that was asked for comes after channelActive then. */
  protected holdRead(): boolean {
    if (this.announced) return false
    this.readHeld = true
    return true
  }

  private async awaitInitializers(promise: ChannelPromise, first: boolean): Promise<void> {
    this.pendingRegistration = promise
    // An initializer may add another async one: wait until nothing new has come.
    for (let waited: Promise<void> | undefined; waited !== this.pipeline.initializing; ) {
      waited = this.pipeline.initializing
      await waited
    }
    if (this.pendingRegistration !== promise) return // abandoned meanwhile
    this.pendingRegistration = undefined
    if (this.ensureOpen(promise)) this.completeRegistration(promise, first)
  }

  private completeRegistration(promise: ChannelPromise, first: boolean): void {
    this.pipeline.initializing = undefined
    this.announced = true
    promise.trySuccess()
    this.pipeline.fireChannelRegistered()
    if (!this.isActive) return
    if (first) this.fireActive()
    else if (this.config.autoRead) this.beginRead()
    if (!this.readHeld) return
    this.readHeld = false
    this.beginRead()
  }

  /** No event: nobody was told that the channel is registered. */
  private registrationFailed(promise: ChannelPromise, cause: Error): void {
    this.closeCause ??= cause
    this.pendingRegistration = undefined
    this.closeForcibly()
    if (this.registered) this.giveBackLoop()
    this.registered = false
    promise.tryFailure(cause)
  }

  private deregister1(promise: ChannelPromise, fireInactive: boolean): void {
    if (!promise.setUncancellable()) return
    if (!this.registered) return void promise.trySuccess()
    this.later(() => {
      if (this.registered) this.giveBackLoop() // not when deregister() and close() both queued this task
      if (fireInactive) {
        this.emitter?.emit('inactive')
        this.pipeline.fireChannelInactive()
      }
      if (this.registered) {
        this.registered = false
        this.pipeline.fireChannelUnregistered()
      }
      promise.trySuccess()
    })
  }

  private giveBackLoop(): void {
    try {
      this.doDeregister()
    } catch (error) {
      getLogger().warn(`deregistering ${this.toString()} failed`, error)
    }
  }
}
