import type { ByteBufAllocator } from '@knotty/buffer'
import { type Attribute, type AttributeKey, AttributeMap, inspectInOneLine } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'
import type { SocketAddress } from '../socket/address.js'
import type { Channel, TransportName } from './channel.js'
import { ChannelConfig, type ConfiguredChannel } from './channel-config.js'
import { ChannelEvents } from './channel-events.js'
import { ChannelFlags } from './channel-flags.js'
import type { ChannelFuture } from './channel-future.js'
import { ChannelId, nextChannelSequence } from './channel-id.js'
import type { ListedChannel } from './channel-list.js'
import type { ChannelOption } from './channel-option.js'
import type { ChannelPipeline } from './channel-pipeline.js'
import { type ChannelPromise, CloseFuture, DefaultChannelPromise } from './channel-promise.js'
import { ChannelStateError } from './errors.js'
import { OutboundBuffer, type OutboundChannel } from './outbound-buffer.js'
import { defineRare, type RareState } from './rare-state.js'
import type { WriteBufferWaterMark } from './write-water-mark.js'

/**
 * What a channel is and knows: its fields, their accessors, and the operations that only enter the pipeline. What happens when,
 * is in AbstractChannel.
 */
export abstract class ChannelState extends ChannelFlags implements Channel, OutboundChannel, ConfiguredChannel, ListedChannel {
  readonly parent: Channel | undefined
  abstract readonly pipeline: ChannelPipeline
  readonly config: ChannelConfig
  abstract readonly transport: TransportName
  abstract readonly supportedOptions: ReadonlySet<ChannelOption<unknown>>
  lastReadAt = 0
  lastWriteCompletedAt = 0
  bytesRead = 0
  bytesWritten = 0
  loopPlace = -1
  serverPlace = -1
  /** Made with the first write: what a connection that has not written needs no memory for. */
  protected madeBuffer: OutboundBuffer | undefined = undefined
  protected loop: EventLoop | undefined = undefined
  /** Internal: see defineRare. */
  rare: RareState | undefined = undefined
  protected closing: CloseFuture | undefined = undefined
  /** The emitter, if somebody asked for it. */
  declare protected emitter: ChannelEvents | undefined
  static {
    defineRare(this.prototype, ['emitter'])
    inspectInOneLine(this, (channel) => {
      const state = channel.isActive ? 'active' : channel.isOpen ? 'open' : 'closed'
      return `${channel.constructor.name}${channel.toString()} ${state} ${channel.pipeline.toString()}`
    })
  }

  /** The sequence number of the id until somebody asks for it. */
  private identity: number | ChannelId = nextChannelSequence()
  private attributes: AttributeMap | undefined = undefined

  constructor(parent: Channel | undefined) {
    super()
    this.parent = parent
    this.config = new ChannelConfig(this)
  }

  abstract get isOpen(): boolean
  abstract get isActive(): boolean
  abstract get localAddress(): SocketAddress | undefined
  abstract get remoteAddress(): SocketAddress | undefined
  abstract fireWritabilityChanged(later: boolean): void
  abstract autoReadChanged(autoRead: boolean): void
  abstract socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void
  abstract abort(): ChannelFuture
  abstract closeAfterFlush(): ChannelFuture
  abstract shutdownInput(): ChannelFuture
  abstract shutdownOutput(): ChannelFuture

  get inFlightProgress(): number {
    return 0
  }

  /** Made on first use, and the same object from then on: a key for maps. */
  get id(): ChannelId {
    if (typeof this.identity === 'number') this.identity = new ChannelId(this.loop?.number ?? 0, this.identity)
    return this.identity
  }

  get eventLoop(): EventLoop {
    if (this.loop === undefined) throw new ChannelStateError(`${this.toString()} is not registered to an event loop yet`)
    return this.loop
  }

  get alloc(): ByteBufAllocator {
    return this.config.alloc
  }

  get isRegistered(): boolean {
    return this.registered
  }

  get isWritable(): boolean {
    return this.madeBuffer === undefined ? !this.outputOver : this.madeBuffer.isWritable
  }

  get bytesBeforeUnwritable(): number {
    return this.outboundBuffer?.bytesBeforeUnwritable ?? 0
  }

  /** Never again once closed. */
  get bytesBeforeWritable(): number {
    return this.outboundBuffer?.bytesBeforeWritable ?? Number.MAX_SAFE_INTEGER
  }

  /** Undefined from the moment close, or shutdownOutput, begins. */
  get outboundBuffer(): OutboundBuffer | undefined {
    return this.madeBuffer ?? this.makeBuffer()
  }

  get writeBufferWaterMark(): WriteBufferWaterMark {
    return this.config.writeBufferWaterMark
  }

  get closeFuture(): ChannelFuture {
    if (this.closing === undefined) {
      this.closing = new CloseFuture(this)
      if (this.closeInitiated && !this.isOpen) this.closing.setClosed()
    }
    return this.closing
  }

  get events(): ChannelEvents {
    this.emitter ??= new ChannelEvents()
    return this.emitter
  }

  attr<T>(key: AttributeKey<T>): Attribute<T> {
    this.attributes ??= new AttributeMap()
    return this.attributes.attr(key)
  }

  bind(localAddress: SocketAddress, promise?: ChannelPromise): ChannelFuture {
    return this.pipeline.bind(localAddress, promise)
  }

  connect(remoteAddress: SocketAddress, localAddress?: SocketAddress, promise?: ChannelPromise): ChannelFuture {
    return this.pipeline.connect(remoteAddress, localAddress, promise)
  }

  disconnect(promise?: ChannelPromise): ChannelFuture {
    return this.pipeline.disconnect(promise)
  }

  close(promise?: ChannelPromise): ChannelFuture {
    return this.pipeline.close(promise)
  }

  deregister(promise?: ChannelPromise): ChannelFuture {
    return this.pipeline.deregister(promise)
  }

  read(): this {
    this.pipeline.read()
    return this
  }

  write(msg: unknown): ChannelPromise
  write<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  write(msg: unknown, promise?: ChannelPromise | null): ChannelPromise | null {
    return promise === undefined ? this.pipeline.write(msg) : this.pipeline.write(msg, promise)
  }

  flush(): this {
    this.pipeline.flush()
    return this
  }

  writeAndFlush(msg: unknown): ChannelPromise
  writeAndFlush<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  writeAndFlush(msg: unknown, promise?: ChannelPromise | null): ChannelPromise | null {
    return promise === undefined ? this.pipeline.writeAndFlush(msg) : this.pipeline.writeAndFlush(msg, promise)
  }

  newPromise(): ChannelPromise {
    return new DefaultChannelPromise(this)
  }

  /** No more writes. What waits is the caller's to fail; undefined when nothing was ever written. */
  protected endOutput(): OutboundBuffer | undefined {
    const buffer = this.madeBuffer
    this.madeBuffer = undefined
    this.outputOver = true
    return buffer
  }

  private makeBuffer(): OutboundBuffer | undefined {
    if (!this.outputOver) this.madeBuffer = new OutboundBuffer(this)
    return this.madeBuffer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  override toString(): string {
    const remote = this.remoteAddress === undefined ? '' : ` ${this.isActive ? '-' : '!'} ${this.remoteAddress.toString()}`
    return `[${this.id.toString()}: ${this.localAddress?.toString() ?? this.transport}${remote}]`
  }
}
