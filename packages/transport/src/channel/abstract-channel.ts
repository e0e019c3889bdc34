import { release } from '@knotty/buffer'
import { diagnostics, getLogger, RejectedExecutionError, toError } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'
import type { SocketAddress } from '../socket/address.js'
import { isPeerCondition } from '../socket/peer-conditions.js'
import type { Channel } from './channel.js'
import type { ChannelFuture } from './channel-future.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelOption } from './channel-option.js'
import { ChannelPipeline } from './channel-pipeline.js'
import { type ChannelPromise, failPromise } from './channel-promise.js'
import { ChannelState } from './channel-state.js'
import type { ChannelTransport } from './channel-transport.js'
import { ChannelOutputShutdownError, ChannelStateError, ClosedChannelError, NotYetConnectedError } from './errors.js'
import { ChannelOutputShutdownEvent } from './events.js'
import type { OutboundBuffer } from './outbound-buffer.js'

/** Names of the handlers whose unhandled messages were reported; bounded, because names are the user's. */
const reportedHandlers = new Set<string>()
const MAX_REPORTED_HANDLERS = 1000

/**
 * The order of events in register, bind, connect, write, flush, close and deregister, the same for every transport. A transport
 * supplies the `do…` steps and calls {@link activate} when a connection stands.
 *
 * Order of close: the outbound buffer is detached (later writes fail at once), the socket is closed, closeFuture, the close promise,
 * the pending writes fail in order, and in a later task channelInactive, channelUnregistered, handlerRemoved from last to first.
 */
export abstract class AbstractChannel extends ChannelState implements ChannelTransport {
  readonly pipeline: ChannelPipeline
  protected inFlush = false
  private everRegistered = false
  /** The registration that waits for async initializers. */
  private pendingRegistration: ChannelPromise | undefined = undefined
  /** What closed the channel, for the errors of later writes. */
  private closeCause: Error | undefined = undefined

  constructor(parent: Channel | undefined) {
    super(parent)
    this.pipeline = new ChannelPipeline(this)
  }

  /** Takes the event loop's resources; a throw fails the registration and closes the channel. */
  protected doRegister(): void {}
  protected doDeregister(): void {}
  /** Binds; completes the promise now or later through {@link activate} or {@link operationFailed}. */
  protected abstract doBind(localAddress: SocketAddress, promise: ChannelPromise): void
  protected abstract doConnect(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void
  protected doDisconnect(): void {
    this.doClose()
  }
  /** Closes the socket at once. */
  protected abstract doClose(): void
  /** Closes with a reset, where the transport has one. */
  protected doAbort(): void {
    this.doClose()
  }
  protected abstract doShutdownInput(): void
  /** Sends FIN behind what the transport has taken, and calls back. */
  protected abstract doShutdownOutput(done: (error: Error | undefined) => void): void
  protected abstract doBeginRead(): void
  /** Sends flushed messages until there are none, or the transport takes no more for now. */
  protected abstract doWrite(outboundBuffer: OutboundBuffer): void
  /** The message to queue, or an UnsupportedMessageTypeError. */
  protected abstract filterOutboundMessage(msg: unknown): unknown

  get hasDisconnect(): boolean {
    return false
  }

  get isServer(): boolean {
    return false
  }

  abort(): ChannelFuture {
    const promise = this.newPromise()
    this.closeWith(promise, new ClosedChannelError('the channel was aborted'), true)
    return promise
  }

  shutdownInput(): ChannelFuture {
    const promise = this.newPromise()
    try {
      this.doShutdownInput()
      promise.trySuccess()
    } catch (error) {
      promise.tryFailure(error)
    }
    return promise
  }

  shutdownOutput(): ChannelFuture {
    const promise = this.newPromise()
    this.shutdownOutputWith(promise, undefined)
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
      this.pipeline.registered()
      if (this.pipeline.initializing === undefined) this.completeRegistration(promise, first)
      else void this.awaitInitializers(promise, first)
    } catch (error) {
      this.registrationFailed(promise, toError(error))
    }
  }

  bind0(localAddress: SocketAddress, promise: ChannelPromise): void {
    if (!promise.setUncancellable() || !this.ensureOpen(promise)) return
    try {
      this.doBind(localAddress, promise)
    } catch (error) {
      this.operationFailed(promise, toError(error))
    }
  }

  connect0(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void {
    if (promise.isDone || !this.ensureOpen(promise)) return
    try {
      this.doConnect(remoteAddress, localAddress, promise)
    } catch (error) {
      this.operationFailed(promise, toError(error))
    }
  }

  disconnect0(promise: ChannelPromise): void {
    if (!promise.setUncancellable()) return
    const wasActive = this.isActive
    try {
      this.doDisconnect()
    } catch (error) {
      promise.tryFailure(error)
      this.closeIfClosed()
      return
    }
    if (wasActive && !this.isActive) this.later(() => this.pipeline.fireChannelInactive())
    promise.trySuccess()
    this.closeIfClosed()
  }

  close0(promise: ChannelPromise): void {
    this.closeWith(promise, new ClosedChannelError(), false)
  }

  /** Internal: closes the socket without any event, for a channel that was never registered. */
  closeForcibly(): void {
    this.closeInitiated = true
    this.buffer = undefined
    try {
      this.doClose()
    } catch (error) {
      getLogger().warn(`closing ${this.toString()} failed`, error)
    }
    this.closing?.setClosed()
    this.emitter?.emit('close')
  }

  /** Always in a later task: a handler may ask for it from inside a read, and must not lose its loop there (netty#4435). */
  deregister0(promise: ChannelPromise): void {
    this.deregister1(promise, false)
  }

  beginRead(): void {
    if (!this.isActive) return
    try {
      this.doBeginRead()
    } catch (error) {
      this.later(() => this.pipeline.fireExceptionCaught(toError(error)))
      this.close0(this.newPromise())
    }
  }

  write0(msg: unknown, promise: ChannelPromise | null): void {
    const buffer = this.buffer
    if (buffer === undefined) {
      release(msg)
      return failPromise(promise, this.closedError(), this)
    }
    let filtered: unknown
    try {
      filtered = this.filterOutboundMessage(msg)
    } catch (error) {
      release(msg)
      return failPromise(promise, toError(error), this)
    }
    buffer.addMessage(filtered, promise)
  }

  flush0(): void {
    const buffer = this.buffer
    if (buffer === undefined) return
    buffer.addFlush()
    this.flushMarked()
  }

  /** Sends what is marked. Entered again from inside itself it does nothing: the outer call goes on with what was marked. */
  protected flushMarked(): void {
    const buffer = this.buffer
    if (this.inFlush || buffer === undefined || buffer.isEmpty) return
    this.inFlush = true
    try {
      if (this.isActive) this.doWrite(buffer)
      else if (!this.isOpen) buffer.failFlushed(this.closedError(), false)
      else if (!this.queuesBeforeActive) buffer.failFlushed(new NotYetConnectedError(), true)
    } catch (error) {
      this.handleWriteError(toError(error))
    } finally {
      this.inFlush = false
    }
  }

  /** A flush before the connection stands waits instead of failing; true while a connect is under way. */
  protected get queuesBeforeActive(): boolean {
    return false
  }

  /** A write failed. With AUTO_CLOSE the channel closes and the flushed writes get the error itself. */
  protected handleWriteError(error: Error): void {
    if (this.config.autoClose) {
      this.closeCause = error
      this.closeWith(this.newPromise(), error, false, new ClosedChannelError('the channel is closed: a write failed', { cause: error }))
    } else {
      this.shutdownOutputWith(this.newPromise(), error)
    }
  }

  initializationFailed(cause: Error): void {
    this.closeCause ??= cause
    getLogger().warn(`initialising ${this.toString()} failed, the channel is closed`, cause)
  }

  registeredInPipeline(): void {
    this.emitter?.emit('registered')
  }

  onUnhandledMessage(ctx: ChannelHandlerContext, msg: unknown): void {
    if (diagnostics.messageUnhandled.hasSubscribers) {
      diagnostics.messageUnhandled.publish({ channel: this, message: msg, handler: ctx.prev.name })
    }
    const handler = ctx.prev.name
    if (!reportedHandlers.has(handler) && reportedHandlers.size < MAX_REPORTED_HANDLERS) {
      reportedHandlers.add(handler)
      getLogger().warn(
        `a message of type ${typeNameOf(msg)} passed the last handler (${handler}) of ${this.pipeline.toString()} and was released; ` +
          'add a handler that takes it (told once for each handler name)',
      )
    }
    release(msg)
  }

  onUncaughtException(_ctx: ChannelHandlerContext, cause: Error): void {
    if (diagnostics.exceptionUncaught.hasSubscribers) diagnostics.exceptionUncaught.publish({ channel: this, cause })
    this.emitter?.emit('exception', cause)
    if (isPeerCondition(cause)) {
      if (this.loop !== undefined) this.loop.counters.peerErrors++
      getLogger().debug(`${this.toString()}: the peer is gone`, cause)
    } else {
      const next = this.pipeline.closeOnUncaught ? 'the channel is closed' : 'the channel stays open'
      getLogger().warn(`${this.toString()}: no handler took this exception, ${next} (${this.pipeline.toString()})`, cause)
    }
    if (this.pipeline.closeOnUncaught) this.close()
  }

  fireWritabilityChanged(later: boolean): void {
    if (later) return this.later(() => this.fireWritabilityChanged(false))
    this.emitter?.emit('writability', this.isWritable)
    this.pipeline.fireChannelWritabilityChanged()
  }

  autoReadChanged(autoRead: boolean): void {
    if (autoRead && this.registered) this.read()
  }

  socketOptionChanged(_option: ChannelOption<unknown>, _value: unknown): void {}

  /** The connection stands, or the server listens: the promise first, then channelActive. */
  protected activate(promise: ChannelPromise, later: boolean): void {
    promise.trySuccess()
    if (later) this.later(() => this.fireActive())
    else this.fireActive()
  }

  /** A bind or connect failed: the promise first, then the channel is closed if that closed the socket. */
  protected operationFailed(promise: ChannelPromise, error: Error): void {
    promise.tryFailure(error)
    this.closeIfClosed()
  }

  /** Fires channelActive, unless a listener closed the channel meanwhile. */
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
    return new ClosedChannelError(undefined, this.closeCause === undefined ? undefined : { cause: this.closeCause })
  }

  /** Closes because of `error`: later writes carry it as their cause. */
  protected closeBecause(error: Error): void {
    this.closeCause ??= error
    this.closeWith(this.newPromise(), this.closedError(), false)
  }

  /**
   * Internal: gives up a channel whose registration has not completed. A pending registration fails with `cause`; handlers that
   * got handlerAdded get handlerRemoved; no other event.
   */
  abandon(cause: Error): void {
    this.closeCause ??= cause
    if (this.pendingRegistration === undefined) this.closeForcibly()
    else this.registrationFailed(this.pendingRegistration, cause)
    this.pipeline.destroy()
  }

  private async awaitInitializers(promise: ChannelPromise, first: boolean): Promise<void> {
    this.pendingRegistration = promise
    // An initializer may add another async one: wait until nothing new has come.
    for (let waited: Promise<void> | undefined; waited !== this.pipeline.initializing; ) {
      waited = this.pipeline.initializing
      await waited
    }
    this.pendingRegistration = undefined
    if (this.ensureOpen(promise)) this.completeRegistration(promise, first)
  }

  private completeRegistration(promise: ChannelPromise, first: boolean): void {
    promise.trySuccess()
    this.pipeline.fireChannelRegistered()
    if (!this.isActive) return
    if (first) this.fireActive()
    else if (this.config.autoRead) this.beginRead()
  }

  /** No event: nobody was told that the channel is registered. */
  private registrationFailed(promise: ChannelPromise, cause: Error): void {
    this.registered = false
    this.closeForcibly()
    promise.tryFailure(cause)
  }

  private closeWith(promise: ChannelPromise, flushedCause: Error, abort: boolean, unflushedCause: Error = flushedCause): void {
    if (!promise.setUncancellable()) return
    if (this.closeInitiated) {
      if (this.isOpen) this.closeFuture.addListener(() => promise.trySuccess())
      else promise.trySuccess()
      return
    }
    this.closeInitiated = true
    const wasActive = this.isActive
    const buffer = this.buffer
    this.buffer = undefined
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
    if (buffer !== undefined) {
      buffer.failFlushed(flushedCause, false)
      buffer.close(unflushedCause)
    }
    if (this.inFlush) this.later(() => this.deregister1(this.newPromise(), wasActive))
    else this.deregister1(this.newPromise(), wasActive)
  }

  private deregister1(promise: ChannelPromise, fireInactive: boolean): void {
    if (!promise.setUncancellable()) return
    if (!this.registered) return void promise.trySuccess()
    this.later(() => {
      try {
        this.doDeregister()
      } catch (error) {
        getLogger().warn(`deregistering ${this.toString()} failed`, error)
      }
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

  private shutdownOutputWith(promise: ChannelPromise, cause: Error | undefined): void {
    if (!promise.setUncancellable()) return
    const buffer = this.buffer
    if (buffer === undefined) return void promise.tryFailure(this.closedError())
    this.buffer = undefined
    const shutdown = new ChannelOutputShutdownError(undefined, cause === undefined ? undefined : { cause })
    this.closeCause ??= shutdown
    this.doShutdownOutput((error) => {
      if (error === undefined) promise.trySuccess()
      else promise.tryFailure(error)
    })
    buffer.failFlushed(shutdown, false)
    buffer.close(shutdown)
    this.pipeline.fireUserEventTriggered(ChannelOutputShutdownEvent.INSTANCE)
  }

  private closeIfClosed(): void {
    if (!this.isOpen) this.close0(this.newPromise())
  }

  private ensureOpen(promise: ChannelPromise): boolean {
    if (this.isOpen) return true
    promise.tryFailure(this.closedError())
    return false
  }
}

function typeNameOf(msg: unknown): string {
  if (typeof msg !== 'object' || msg === null) return typeof msg
  return (msg.constructor as { name?: string } | undefined)?.name ?? 'object'
}
