import { type ByteBuf, release, ResourceLeakDetector, Unpooled } from '@knotty/buffer'
import { toError } from '@knotty/common'
import type { SocketAddress } from '../socket/address.js'
import type { Channel } from './channel.js'
import type { ChannelFuture } from './channel-future.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import { ChannelLifecycle } from './channel-lifecycle.js'
import type { ChannelOption } from './channel-option.js'
import { ChannelPipeline } from './channel-pipeline.js'
import { type ChannelPromise, failPromise } from './channel-promise.js'
import type { ChannelTransport } from './channel-transport.js'
import { ChannelOutputShutdownError, ClosedChannelError, NotYetConnectedError } from './errors.js'
import { ChannelOutputShutdownEvent } from './events.js'
import { noteWritten } from './held-chunk.js'
import type { OutboundBuffer } from './outbound-buffer.js'
import { dropUnhandledMessage, reportUncaughtException } from './unhandled.js'
import { reportUnsupportedMessage } from './unsupported-messages.js'

/**
 * The base of every channel: the order of events in bind, connect, write and flush, over that of {@link ChannelLifecycle}. A
 * transport supplies the `do…` steps, calls {@link activate} when a connection stands, and {@link operationFailed} when it never will.
 */
export abstract class AbstractChannel extends ChannelLifecycle implements ChannelTransport {
  readonly pipeline: ChannelPipeline

  constructor(parent: Channel | undefined) {
    super(parent)
    this.pipeline = new ChannelPipeline(this)
  }

  /** Binds; completes the promise now or later through {@link activate} or {@link operationFailed}. */
  protected abstract doBind(localAddress: SocketAddress, promise: ChannelPromise): void
  protected abstract doConnect(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void
  protected doDisconnect(): void {
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

  closeAfterFlush(): ChannelFuture {
    const promise = this.newPromise()
    this.flush()
    const buffer = this.outboundBuffer
    if (buffer === undefined || !this.isActive) return this.close(promise)
    // Past the handlers, which would make a message of it: nothing to send, so it is done when all before it are.
    buffer.addMessage(
      Unpooled.EMPTY_BUFFER,
      this.newPromise().addListener(() => this.close(promise)),
    )
    this.flush0()
    return promise
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

  beginRead(): void {
    if (!this.isActive || this.holdRead()) return
    try {
      this.doBeginRead()
    } catch (error) {
      this.later(() => this.pipeline.fireExceptionCaught(toError(error)))
      this.close0(this.newPromise())
    }
  }

  write0(msg: unknown, promise: ChannelPromise | null): void {
    const buffer = this.outboundBuffer
    if (buffer === undefined) {
      release(msg)
      return failPromise(promise, this.closedError(), this)
    }
    let filtered: unknown
    try {
      filtered = this.filterOutboundMessage(msg)
    } catch (error) {
      release(msg)
      const cause = toError(error)
      if (promise !== null) reportUnsupportedMessage(this, cause) // otherwise exceptionCaught tells
      return failPromise(promise, cause, this)
    }
    buffer.addMessage(filtered, promise)
    if (ResourceLeakDetector.isAdvanced) noteWritten(filtered, buffer)
  }

  /** The transport's doWrite sends the prefix of an entry with its message. */
  protected get sendsPrefixes(): boolean {
    return false
  }

  writePrefixed0(prefix: number, prefixBytes: number, msg: ByteBuf | Uint8Array, promise: ChannelPromise | null): boolean {
    const buffer = this.outboundBuffer
    if (buffer === undefined || !this.sendsPrefixes) return false
    buffer.addPrefixed(prefix, prefixBytes, msg, promise)
    if (ResourceLeakDetector.isAdvanced) noteWritten(msg, buffer)
    return true
  }

  flush0(): void {
    const buffer = this.madeBuffer
    if (buffer === undefined) return
    buffer.addFlush()
    this.flushMarked()
  }

  /** Sends what is marked. Entered again from inside itself it does nothing: the outer call goes on with what was marked. */
  protected flushMarked(): void {
    const buffer = this.madeBuffer
    if (this.inFlush || buffer === undefined || buffer.isEmpty) return
    this.inFlush = true
    try {
      if (this.isActive) this.doWrite(buffer)
      else if (!this.isOpen) buffer.failFlushed(this.closedError(), false)
      else this.failNotConnected(buffer)
    } catch (error) {
      this.handleWriteError(toError(error))
    } finally {
      this.inFlush = false
    }
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

  onUnhandledMessage(ctx: ChannelHandlerContext, msg: unknown): void {
    dropUnhandledMessage(this, ctx.prev.name, msg)
  }

  onUncaughtException(_ctx: ChannelHandlerContext, cause: Error): void {
    reportUncaughtException(this, cause, this.pipeline.closeOnUncaught)
    this.emitter?.emit('exception', cause)
    if (!this.pipeline.closeOnUncaught) return
    this.closeCause ??= cause
    this.close()
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

  /**
   * The connection stands, or (`later`: in a task) the server listens: the promise first, then channelActive, also when a listener
   * closed the channel; channelInactive follows it then.
   */
  protected activate(promise: ChannelPromise, later: boolean): void {
    if (later) this.later(() => this.fireActive()) // queued before the promise: a listener that closes queues channelInactive
    promise.trySuccess()
    if (!later) this.fireActive()
  }

  /** A bind or connect failed: the promise first, then the channel is closed if that closed the socket. */
  protected operationFailed(promise: ChannelPromise, error: Error): void {
    promise.tryFailure(error)
    this.closeIfClosed()
  }

  /** Writes nobody watches would be lost without a word here, because the channel stays open: they are told of once. */
  private failNotConnected(buffer: OutboundBuffer): void {
    const error = new NotYetConnectedError()
    if (buffer.failFlushed(error, true)) this.pipeline.fireExceptionCaught(error)
  }

  private shutdownOutputWith(promise: ChannelPromise, cause: Error | undefined): void {
    if (!promise.setUncancellable()) return
    if (this.outputOver) return void promise.tryFailure(this.closedError())
    const buffer = this.endOutput()
    const shutdown = new ChannelOutputShutdownError(undefined, cause === undefined ? undefined : { cause })
    this.outputShutdown = shutdown
    try {
      this.doShutdownOutput((error) => {
        if (error === undefined) promise.trySuccess()
        else promise.tryFailure(error)
      })
    } catch (error) {
      promise.tryFailure(error)
    }
    buffer?.failFlushed(shutdown, false)
    buffer?.close(shutdown)
    this.emitter?.emit('writability', false)
    this.pipeline.fireUserEventTriggered(ChannelOutputShutdownEvent.INSTANCE)
  }
}
