import { getLogger, toError } from '@knotty/common'
import { release } from '@knotty/buffer'
import { ChannelOption } from '../channel/channel-option.js'
import { HalfOpenTimeoutError, NotYetConnectedError } from '../channel/errors.js'
import { ChannelInputShutdownEvent, ChannelInputShutdownReadComplete } from '../channel/events.js'
import { isPeerCondition } from '../channel/peer-conditions.js'
import { defineRare } from '../channel/rare-state.js'
import { reportNativeEntryError } from '../eventloop/default-event-loop.js'
import type { RawSocket } from './accepted-socket-guard.js'
import { HalfOpenDeadline } from './half-open-deadline.js'
import { PausedInput } from './paused-input.js'
import { SocketConnection } from './socket-connection.js'

const DEFAULT_LIVENESS_PROBE_MS = 10_000
const DEFAULT_HALF_OPEN_TIMEOUT_MS = 60_000

/**
 * When a connection is read, and what its ends mean, the same on every transport: AUTO_READ, half-closure, the probe of an input
 * that nobody reads, the deadline of a connection that is half-open.
 *
 * A transport starts and stops its socket, and tells of what it read with {@link chunkRead}, {@link inputEnd} and {@link readFailed}.
 */
export abstract class AbstractSocketChannel<S extends RawSocket> extends SocketConnection<S> {
  /** Made when reading stops for the first time. */
  protected paused: PausedInput | undefined = undefined
  declare private halfOpen: HalfOpenDeadline | undefined
  static {
    defineRare(this.prototype, ['halfOpen'])
  }

  /** May throw: then the channel is closed. */
  protected abstract readStart(socket: S): void
  protected abstract readStop(socket: S): void
  /** Sends FIN behind what the transport has taken. May throw. */
  protected abstract sendFin(socket: S, done: (error: Error | undefined) => void): void

  get isInputShutdown(): boolean {
    return this.inputEnded || this.inputDiscarded
  }

  get livenessProbeMs(): number {
    return this.config.getOption(ChannelOption.LIVENESS_PROBE_MS) ?? DEFAULT_LIVENESS_PROBE_MS
  }

  override registeredInPipeline(): void {
    super.registeredInPipeline()
    if (!this.wasActive || !this.isActive) return
    this.watchHalfOpen()
    // Registered again: what was asked for meanwhile, and who looks after the input until somebody reads.
    if (this.readPending || (this.inputDiscarded && !this.inputEnded)) this.beginRead()
    else this.watchPausedInput()
  }

  override autoReadChanged(autoRead: boolean): void {
    super.autoReadChanged(autoRead)
    if (autoRead) return
    this.readPending = false
    if (!this.inputDiscarded) this.pauseReading()
  }

  override socketOptionChanged(option: ChannelOption<unknown>, _value: unknown): void {
    if (option === ChannelOption.HALF_OPEN_TIMEOUT_MS && this.isActive) {
      this.halfOpen?.cancel()
      this.halfOpen = undefined
      this.watchHalfOpen()
    }
    if (option !== ChannelOption.LIVENESS_PROBE_MS || this.paused === undefined || this.readPending || this.inputDiscarded) return
    this.paused.disarm()
    this.pauseReading()
  }

  protected override fireActive(): void {
    this.wasActive = true
    super.fireActive()
    if (!this.readPending) this.watchPausedInput() // nobody asked for the first read
  }

  protected override doDeregister(): void {
    this.stopReading()
    this.paused?.disarm()
    this.halfOpen?.cancel()
    this.halfOpen = undefined
    super.doDeregister()
  }

  protected override detached(): void {
    this.reading = false
    this.paused?.discard()
    this.halfOpen?.cancel()
  }

  protected doShutdownInput(): void {
    if (!this.isActive) throw new NotYetConnectedError()
    this.paused?.discard()
    if (this.isInputShutdown) return
    this.inputDiscarded = true
    this.startReading()
    this.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
  }

  protected doShutdownOutput(done: (error: Error | undefined) => void): void {
    if (this.socket === undefined) return done(new NotYetConnectedError())
    this.outputEnding = true
    const over = (error: Error | undefined): void => {
      this.outputEnding = false
      this.outputEnded = error === undefined
      done(error === undefined || this.isOpen ? error : this.closedError()) // closed meanwhile: each transport has other words for it
      this.closeWhenBothEnded()
    }
    this.watchHalfOpen()
    try {
      this.sendFin(this.socket, over)
    } catch (error) {
      over(toError(error))
    }
  }

  protected doBeginRead(): void {
    const { paused } = this
    if (paused !== undefined && !paused.isEmpty) {
      this.readPending = true
      if (!this.delivering) this.later(() => this.deliverHeld(false))
      return
    }
    if (this.inputEnded) return this.tellInputEnd()
    this.readPending = true
    paused?.endProbing()
    this.startReading()
  }

  startReading(): void {
    if (this.reading || this.socket === undefined || !this.registered || this.inputEnded) return
    this.readStart(this.socket)
    this.reading = true
  }

  stopReading(): void {
    if (!this.reading) return
    this.reading = false
    if (this.socket !== undefined) this.readStop(this.socket)
  }

  /** When bytes last came; those of a discarded input hold nothing open. */
  get bytesCameAt(): number {
    return this.inputDiscarded ? 0 : this.lastReadAt
  }

  /** When bytes last left, those of a message that is not through included. */
  get bytesLeftAt(): number {
    return this.lastWriteCompletedAt
  }

  /** Nobody wants what would come next. */
  protected pauseReading(): void {
    this.stopReading()
    this.watchPausedInput()
  }

  /**
   * `msg` was read, and owns its memory: to the handlers, or kept for the next read().
   *
   * @param more with AUTO_READ on: another one follows at once, and channelReadComplete comes behind the last
   */
  protected chunkRead(msg: unknown, bytes: number, more?: () => boolean): void {
    this.countRead(bytes)
    if (this.inputDiscarded) return void release(msg)
    if (this.paused?.isHolding === true) return this.paused.hold(msg, bytes)
    this.readPending = false
    this.pipeline.fireChannelRead(msg)
    if (this.config.autoRead && !this.inputDiscarded && more?.() === true) return
    this.pipeline.fireChannelReadComplete()
    if (!this.readPending && !this.inputDiscarded) this.pauseReading()
  }

  /** So many bytes were read; of a discarded input that is all that comes of them. */
  protected countRead(bytes: number): void {
    this.bytesRead += bytes
    this.lastReadAt = this.eventLoop.ticker.now()
  }

  /** The peer's FIN. */
  protected inputEnd(): void {
    this.reading = false
    if (this.inputEnded) return
    this.inputEnded = true // first: a handler of the held bytes may ask for more
    this.deliverHeld(true)
    this.paused?.disarm()
    if (!this.isOpen) return
    if (!this.config.allowHalfClosure) return this.close0(this.newPromise())
    this.watchHalfOpen()
    if (!this.inputDiscarded) this.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    if (this.config.autoRead) this.read()
    this.closeWhenBothEnded()
  }

  /** Nothing comes any more, because of an error. */
  protected readFailed(error: Error): void {
    this.reading = false
    this.inputEnded = true
    this.deliverHeld(true)
    if (!this.isOpen) return
    const { counters } = this.eventLoop
    const { peerErrors } = counters
    this.closeCause ??= error
    this.pipeline.fireExceptionCaught(error)
    // The tail counts what reaches it; a handler may have kept this one.
    if (counters.peerErrors === peerErrors && isPeerCondition(error)) counters.peerErrors++
    this.closeBecause(error)
  }

  /** A chunk is lost (no memory for its buffer): what follows would be a stream with a hole. */
  onReadThrew(thrown: unknown): void {
    try {
      const error = toError(thrown)
      this.pipeline.fireExceptionCaught(error)
      this.closeBecause(error)
    } catch (error) {
      reportNativeEntryError(error)
    }
  }

  protected override handleWriteError(error: Error): void {
    if (isPeerCondition(error) && this.closeCause === undefined) {
      this.eventLoop.counters.peerErrors++
      getLogger().debug(`${this.toString()}: the peer is gone`, error)
    }
    super.handleWriteError(error)
  }

  private deliver(msg: unknown): void {
    this.readPending = false
    this.pipeline.fireChannelRead(msg)
    this.pipeline.fireChannelReadComplete()
  }

  /** What probes brought up: as long as somebody asks for more, or `all` of it because nothing will follow. */
  private deliverHeld(all: boolean): void {
    const { paused } = this
    if (paused === undefined || this.delivering) return
    this.delivering = true
    try {
      while (!paused.isEmpty && this.isOpen && this.registered) {
        if (!all && !this.readPending) break
        this.deliver(paused.take())
      }
    } finally {
      this.delivering = false
    }
    if (all || !this.isActive || !this.registered) return
    if (this.readPending) return this.beginRead()
    this.watchPausedInput()
  }

  private watchPausedInput(): void {
    if (!this.isActive || this.inputEnded || this.inputDiscarded || !this.registered) return
    this.paused ??= new PausedInput(this)
    this.paused.watch()
  }

  private watchHalfOpen(): void {
    if (!this.inputEnded && !this.outputEnding && !this.outputEnded) return
    const timeoutMs = this.config.getOption(ChannelOption.HALF_OPEN_TIMEOUT_MS) ?? DEFAULT_HALF_OPEN_TIMEOUT_MS
    if (timeoutMs === 0 || this.halfOpen !== undefined || !this.registered) return
    this.halfOpen = new HalfOpenDeadline(this, timeoutMs, () => this.halfOpenTooLong(timeoutMs))
  }

  /** What the kernel has taken may still be on its way to a peer that reads slowly: only a write that is stuck is worth a reset. */
  private halfOpenTooLong(timeoutMs: number): void {
    const error = new HalfOpenTimeoutError(`a half-open connection did not move a byte for ${timeoutMs} ms (HALF_OPEN_TIMEOUT_MS)`)
    this.eventLoop.counters.halfOpenTimeouts++
    getLogger().debug(`${this.toString()} is closed`, error)
    this.closeCause ??= error
    const stuck = this.outboundBuffer?.isEmpty === false // not behind a FIN that waits: no reset is possible there
    this.closeWith(this.newPromise(), this.closedError(), stuck)
  }

  /** Nothing can come and nothing can go any more: an open descriptor would only be forgotten. In a task behind the events. */
  private closeWhenBothEnded(): void {
    if (!this.inputEnded || !this.outputEnded || !this.isOpen) return
    this.later(() => this.close0(this.newPromise()))
  }

  /** A read after the end of input: told once, in a later task. */
  private tellInputEnd(): void {
    if (this.inputEndTold) return
    this.inputEndTold = true
    this.later(() => {
      if (this.isOpen) this.pipeline.fireUserEventTriggered(ChannelInputShutdownReadComplete.INSTANCE)
    })
  }
}
