import { release, retain } from '@knotty/buffer'
import { checkOptions, getLogger } from '@knotty/common'
import { AbstractChannel } from '../channel/abstract-channel.js'
import type { TransportName } from '../channel/channel.js'
import { COMMON_OPTIONS } from '../channel/channel-config.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import type { ChannelHandler } from '../channel/channel-handler.js'
import type { ChannelHandlerContext } from '../channel/channel-handler-context.js'
import type { ChannelOption } from '../channel/channel-option.js'
import type { ChannelPromise } from '../channel/channel-promise.js'
import { ClosedChannelError } from '../channel/errors.js'
import type { OutboundBuffer } from '../channel/outbound-buffer.js'
import { LocalSocketAddress, type SocketAddress } from '../socket/address.js'
import { EmbeddedEventLoop } from './embedded-event-loop.js'

/** Options of {@link EmbeddedChannel.with}. */
export interface EmbeddedChannelOptions {
  /** Register, and so become active, in the constructor (true). */
  readonly register?: boolean
  /** The transport has a disconnect of its own; otherwise disconnect means close (false). */
  readonly hasDisconnect?: boolean
  /** Stop the clock before any handler is added, so that timers of handlerAdded start at the same time (false). */
  readonly freezeTime?: boolean
}

const OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set(COMMON_OPTIONS)

/**
 * A channel without I/O, for testing handlers: feed it inbound and outbound messages, look at what comes out at either end.
 *
 *     const channel = new EmbeddedChannel(new LengthFieldPrepender({ lengthFieldLength: 4 }))
 *     channel.writeOutbound(Unpooled.copiedBuffer('hi', 'utf8'))
 *     channel.readOutbound()                                             // the header, then the body
 *
 * Everything runs inside the calls: tasks the channel posts run at the end of each operation on the transport. The tail keeps
 * unhandled messages and the first unhandled exception instead of dropping the one and closing for the other. Any message may be
 * written. Time is the loop's: see {@link freezeTime} and {@link advanceTimeBy}.
 */
export class EmbeddedChannel extends AbstractChannel {
  readonly transport: TransportName = 'embedded'
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = OPTIONS
  readonly localAddress: LocalSocketAddress = new LocalSocketAddress('embedded')
  readonly inboundMessages: unknown[] = []
  readonly outboundMessages: unknown[] = []
  private readonly embeddedLoop = new EmbeddedEventLoop()
  private readonly withDisconnect: boolean
  private state: 'open' | 'active' | 'closed' = 'open'
  private recorded: Error | undefined = undefined

  constructor(...handlers: ChannelHandler[])
  constructor(options: EmbeddedChannelOptions | undefined, handlers: readonly ChannelHandler[], marker: typeof withOptions)
  constructor(...args: unknown[]) {
    super(undefined)
    const configured = args[2] === withOptions
    const options = (configured ? args[0] : undefined) as EmbeddedChannelOptions | undefined
    this.withDisconnect = options?.hasDisconnect ?? false
    this.pipeline.closeOnUncaught = false
    if (options?.freezeTime === true) this.freezeTime()
    this.pipeline.addLast(...((configured ? args[1] : args) as ChannelHandler[]))
    if (options?.register ?? true) this.register()
  }

  /** A channel with options. */
  static with(options: EmbeddedChannelOptions, ...handlers: ChannelHandler[]): EmbeddedChannel {
    checkOptions(options, 'EmbeddedChannel.with({ register: false }, …handlers)')
    return new EmbeddedChannel(options, handlers, withOptions)
  }

  override get hasDisconnect(): boolean {
    return this.withDisconnect
  }

  get remoteAddress(): SocketAddress | undefined {
    return this.isActive ? this.localAddress : undefined
  }

  get isOpen(): boolean {
    return this.state !== 'closed'
  }

  get isActive(): boolean {
    return this.state === 'active'
  }

  /** The virtual-time loop. */
  get embeddedEventLoop(): EmbeddedEventLoop {
    return this.embeddedLoop
  }

  /** Registers and becomes active, where the constructor was told not to. */
  register(): ChannelFuture {
    const future = this.embeddedLoop.register(this)
    this.embeddedLoop.runTasks()
    return future
  }

  /**
   * Fires channelRead for each message, one channelReadComplete, runs tasks. True when a message waits in the inbound queue. Throws
   * what reached the tail, and a ClosedChannelError on a closed channel.
   */
  writeInbound(...messages: unknown[]): boolean {
    this.ensureOpenForUse()
    if (messages.length === 0) return this.inboundMessages.length > 0
    this.lastReadAt = this.embeddedLoop.ticker.now()
    for (const msg of messages) this.pipeline.fireChannelRead(msg)
    this.finishInbound()
    return this.inboundMessages.length > 0
  }

  /** channelReadComplete and tasks, as at the end of {@link writeInbound}. */
  flushInbound(): this {
    this.ensureOpenForUse()
    this.finishInbound()
    return this
  }

  /**
   * Writes each message, then flushes once. True when a message waits in the outbound queue. Throws the first failed write, and a
   * ClosedChannelError on a closed channel.
   */
  writeOutbound(...messages: unknown[]): boolean {
    this.ensureOpenForUse()
    if (messages.length === 0) return this.outboundMessages.length > 0
    const futures = messages.map((msg) => this.write(msg))
    this.runPendingTasks()
    this.flush()
    for (const future of futures) {
      if (future.isDone) this.recordFailure(future)
      else future.addListener((done) => this.recordFailure(done))
    }
    this.checkException()
    return this.outboundMessages.length > 0
  }

  /** One message inbound, without channelReadComplete. */
  writeOneInbound(msg: unknown): this {
    this.ensureOpenForUse()
    this.pipeline.fireChannelRead(msg)
    return this
  }

  /** Runs tasks and flushes, as at the end of {@link writeOutbound}; throws what reached the tail. */
  flushOutbound(): this {
    this.ensureOpenForUse()
    this.runPendingTasks()
    this.flush()
    this.checkException()
    return this
  }

  /** One message outbound, without flush. */
  writeOneOutbound(msg: unknown): ChannelFuture {
    this.ensureOpenForUse()
    return this.write(msg)
  }

  /** The next message that passed the last handler; undefined when there is none. */
  readInbound<T = unknown>(): T | undefined {
    return this.inboundMessages.shift() as T | undefined
  }

  /** The next message that reached the transport; undefined when there is none. */
  readOutbound<T = unknown>(): T | undefined {
    return this.outboundMessages.shift() as T | undefined
  }

  /** Closes; true when a message is left in either queue. Throws what reached the tail. */
  finish(): boolean {
    this.close()
    this.checkException()
    return this.inboundMessages.length > 0 || this.outboundMessages.length > 0
  }

  /** {@link finish}, and gives what is left in the queues, taking it out. */
  finishAndReport(): { readonly inbound: unknown[]; readonly outbound: unknown[] } {
    this.finish()
    return { inbound: this.inboundMessages.splice(0), outbound: this.outboundMessages.splice(0) }
  }

  /** {@link finish}, and releases what is left in the queues. */
  finishAndReleaseAll(): boolean {
    try {
      return this.finish()
    } finally {
      this.releaseInbound()
      this.releaseOutbound()
    }
  }

  /** Empties the inbound queue and releases the messages; true when there was one. */
  releaseInbound(): boolean {
    return releaseAll(this.inboundMessages)
  }

  /** Empties the outbound queue and releases the messages; true when there was one. */
  releaseOutbound(): boolean {
    return releaseAll(this.outboundMessages)
  }

  /** Throws the first exception that reached the tail since the last call. */
  checkException(): void {
    const recorded = this.recorded
    this.recorded = undefined
    if (recorded !== undefined) throw recorded
  }

  /** Runs the tasks that wait and the scheduled ones that are due. */
  runPendingTasks(): void {
    this.embeddedLoop.runTasks()
    this.embeddedLoop.runScheduledTasks()
  }

  /** Runs the scheduled tasks that are due; ms until the next one, or -1 when there is none. */
  runScheduledPendingTasks(): number {
    return this.embeddedLoop.runScheduledTasks()
  }

  /** Stops the channel's clock. */
  freezeTime(): void {
    this.embeddedLoop.freezeTime()
  }

  /** Lets the clock go on from where it stands. */
  unfreezeTime(): void {
    this.embeddedLoop.unfreezeTime()
  }

  /** Moves the frozen clock; each task runs at its own deadline. */
  advanceTimeBy(durationMs: number): void {
    this.embeddedLoop.advanceTimeBy(durationMs)
  }

  override close(promise?: ChannelPromise): ChannelFuture {
    this.runPendingTasks()
    const future = super.close(promise)
    this.runPendingTasks()
    this.embeddedLoop.cancelScheduledTasks()
    return future
  }

  override disconnect(promise?: ChannelPromise): ChannelFuture {
    this.runPendingTasks()
    const future = super.disconnect(promise)
    this.runPendingTasks()
    if (!this.withDisconnect) this.embeddedLoop.cancelScheduledTasks()
    return future
  }

  override bind0(localAddress: SocketAddress, promise: ChannelPromise): void {
    super.bind0(localAddress, promise)
    this.embeddedLoop.runTasks()
  }

  override connect0(remoteAddress: SocketAddress, localAddress: SocketAddress | undefined, promise: ChannelPromise): void {
    super.connect0(remoteAddress, localAddress, promise)
    this.embeddedLoop.runTasks()
  }

  override disconnect0(promise: ChannelPromise): void {
    super.disconnect0(promise)
    this.embeddedLoop.runTasks()
  }

  override close0(promise: ChannelPromise): void {
    super.close0(promise)
    this.embeddedLoop.runTasks()
  }

  override deregister0(promise: ChannelPromise): void {
    super.deregister0(promise)
    this.embeddedLoop.runTasks()
  }

  override beginRead(): void {
    super.beginRead()
    this.embeddedLoop.runTasks()
  }

  override write0(msg: unknown, promise: ChannelPromise | null): void {
    super.write0(msg, promise)
    this.embeddedLoop.runTasks()
  }

  override flush0(): void {
    super.flush0()
    this.embeddedLoop.runTasks()
  }

  override onUnhandledMessage(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.inboundMessages.push(msg)
  }

  override onUncaughtException(_ctx: ChannelHandlerContext, cause: Error): void {
    this.emitter?.emit('exception', cause)
    this.record(cause)
    if (this.pipeline.closeOnUncaught) this.close()
  }

  protected override doRegister(): void {
    this.state = 'active'
    this.embeddedLoop.channelCount = 1
  }

  protected override doDeregister(): void {
    this.embeddedLoop.channelCount = 0
  }

  protected doBind(_localAddress: SocketAddress, promise: ChannelPromise): void {
    promise.trySuccess()
  }

  protected doConnect(_remote: SocketAddress, _local: SocketAddress | undefined, promise: ChannelPromise): void {
    promise.trySuccess()
  }

  protected override doDisconnect(): void {
    if (!this.withDisconnect) this.doClose()
  }

  protected doClose(): void {
    this.state = 'closed'
  }

  protected doShutdownInput(): void {}

  protected doShutdownOutput(done: (error: Error | undefined) => void): void {
    done(undefined)
  }

  protected doBeginRead(): void {}

  /** Takes every flushed message; override to model a transport that takes less. */
  protected doWrite(outboundBuffer: OutboundBuffer): void {
    while (!outboundBuffer.isEmpty) {
      const msg = outboundBuffer.current
      if (msg !== undefined) this.outboundMessages.push(retain(msg))
      this.lastWriteCompletedAt = this.embeddedLoop.ticker.now()
      outboundBuffer.remove()
    }
  }

  protected filterOutboundMessage(msg: unknown): unknown {
    return msg
  }

  private finishInbound(): void {
    if (this.isOpen) {
      this.pipeline.fireChannelReadComplete()
      this.runPendingTasks()
    }
    this.checkException()
  }

  private recordFailure(future: ChannelFuture): void {
    if (future.cause !== undefined) this.record(future.cause)
  }

  /** The first is thrown to the caller later, the others are only logged. */
  private record(cause: Error): void {
    if (this.recorded === undefined) this.recorded = cause
    else getLogger().warn('more than one exception reached the tail of an EmbeddedChannel; only the first is thrown', cause)
  }

  private ensureOpenForUse(): void {
    if (this.isOpen) return
    this.record(new ClosedChannelError())
    this.checkException()
  }
}

function releaseAll(messages: unknown[]): boolean {
  const taken = messages.splice(0)
  for (const msg of taken) release(msg)
  return taken.length > 0
}

/** Tells the two forms of the constructor apart: no handler is this object. */
const withOptions: unique symbol = Symbol('EmbeddedChannel.with')
