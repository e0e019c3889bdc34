import type { ByteBuf, ByteBufAllocator } from '@knotty/buffer'
import { release, ResourceLeakDetector } from '@knotty/buffer'
import { toError, inspectInOneLine } from '@knotty/common'
import type { EventLoop } from '../eventloop/event-loop.js'
import type { SocketAddress } from '../socket/address.js'
import type { Channel } from './channel.js'
import type { ChannelFuture } from './channel-future.js'
import { type ChannelPromise, checkPromise, DefaultChannelPromise, failPromise } from './channel-promise.js'
import {
  MASK_BIND,
  MASK_CLOSE,
  MASK_CONNECT,
  MASK_DEREGISTER,
  MASK_DISCONNECT,
  MASK_FLUSH,
  MASK_READ,
  MASK_WRITE,
} from './dispatch-table.js'
import { HeadHandler } from './head-tail.js'
import { ADD_COMPLETE, ADD_PENDING, InboundContext, REMOVED } from './inbound-context.js'
import { reportLateMethods } from './late-methods.js'

/**
 * A handler's place in a pipeline: what it fires goes to the next handler, what it writes to the one before.
 */
export class ChannelHandlerContext extends InboundContext {
  static {
    inspectInOneLine(this)
  }

  get channel(): Channel {
    return this.pipeline.channel
  }

  get eventLoop(): EventLoop {
    return this.pipeline.channel.eventLoop
  }

  get alloc(): ByteBufAllocator {
    return this.pipeline.channel.alloc
  }

  get isRemoved(): boolean {
    return this.state === REMOVED
  }

  newPromise(): ChannelPromise {
    return new DefaultChannelPromise(this.channel)
  }

  newSucceededFuture(): ChannelFuture {
    return new DefaultChannelPromise(this.channel).setSuccess()
  }

  newFailedFuture(cause: unknown): ChannelFuture {
    return new DefaultChannelPromise(this.channel).setFailure(cause)
  }

  bind(localAddress: SocketAddress, promise: ChannelPromise = this.newPromise()): ChannelPromise {
    if (!checkPromise(promise, this.channel)) return promise
    let ctx = this.prev
    while ((ctx.flags & MASK_BIND) === 0) ctx = ctx.prev
    if (ctx.state !== ADD_COMPLETE) return ctx.bind(localAddress, promise)
    try {
      ctx.watchOutbound(ctx.table.bind.call(ctx.handler, ctx, localAddress, promise), promise)
    } catch (error) {
      promise.tryFailure(error)
    }
    return promise
  }

  connect(
    remoteAddress: SocketAddress,
    localAddress?: SocketAddress,
    promise: ChannelPromise = this.newPromise(),
  ): ChannelPromise {
    if (!checkPromise(promise, this.channel)) return promise
    let ctx = this.prev
    while ((ctx.flags & MASK_CONNECT) === 0) ctx = ctx.prev
    if (ctx.state !== ADD_COMPLETE) return ctx.connect(remoteAddress, localAddress, promise)
    try {
      ctx.watchOutbound(ctx.table.connect.call(ctx.handler, ctx, remoteAddress, localAddress, promise), promise)
    } catch (error) {
      promise.tryFailure(error)
    }
    return promise
  }

  /** On a transport without a disconnect of its own (TCP) this is {@link close}, and handlers see `close`. */
  disconnect(promise: ChannelPromise = this.newPromise()): ChannelPromise {
    if (!this.pipeline.transport.hasDisconnect) return this.close(promise)
    if (!checkPromise(promise, this.channel)) return promise
    let ctx = this.prev
    while ((ctx.flags & MASK_DISCONNECT) === 0) ctx = ctx.prev
    if (ctx.state !== ADD_COMPLETE) return ctx.disconnect(promise)
    try {
      ctx.watchOutbound(ctx.table.disconnect.call(ctx.handler, ctx, promise), promise)
    } catch (error) {
      promise.tryFailure(error)
    }
    return promise
  }

  close(promise: ChannelPromise = this.newPromise()): ChannelPromise {
    if (!checkPromise(promise, this.channel)) return promise
    let ctx = this.prev
    while ((ctx.flags & MASK_CLOSE) === 0) ctx = ctx.prev
    if (ctx.state !== ADD_COMPLETE) return ctx.close(promise)
    try {
      ctx.watchOutbound(ctx.table.close.call(ctx.handler, ctx, promise), promise)
    } catch (error) {
      promise.tryFailure(error)
    }
    return promise
  }

  deregister(promise: ChannelPromise = this.newPromise()): ChannelPromise {
    if (!checkPromise(promise, this.channel)) return promise
    let ctx = this.prev
    while ((ctx.flags & MASK_DEREGISTER) === 0) ctx = ctx.prev
    if (ctx.state !== ADD_COMPLETE) return ctx.deregister(promise)
    try {
      ctx.watchOutbound(ctx.table.deregister.call(ctx.handler, ctx, promise), promise)
    } catch (error) {
      promise.tryFailure(error)
    }
    return promise
  }

  read(): this {
    let ctx = this.prev
    while ((ctx.flags & MASK_READ) === 0) ctx = ctx.prev
    ctx.invokeRead()
    return this
  }

  invokeRead(): void {
    if (this.state !== ADD_COMPLETE) return void this.read()
    try {
      const result = this.table.read.call(this.handler, this)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  /**
   * Hands `msg` to the handlers before this one; it is sent with the next flush. The message is owned by the pipeline from here
   * on. With `null` as promise nobody watches, nothing is allocated, and null is returned.
   */
  write(msg: unknown): ChannelPromise
  write<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  write(msg: unknown, promise?: ChannelPromise | null): ChannelPromise | null {
    if (promise === undefined) promise = new DefaultChannelPromise(this.channel)
    else if (promise !== null && !this.checkWritePromise(promise, msg)) return promise
    let ctx = this.prev
    while ((ctx.flags & MASK_WRITE) === 0) ctx = ctx.prev
    ctx.invokeWrite(msg, promise)
    return promise
  }

  /**
   * Internal, for codecs: writes `prefixBytes` (1 to 4) bytes, the low ones of `prefix`, and `msg` behind them as one entry of the outbound
   * buffer, when no handler would see the two writes: 110 of 250 ns a message less (npm run bench -- outbound-path). False: one would, or
   * the transport cannot; nothing was done.
   */
  writePrefixed(prefix: number, prefixBytes: number, msg: ByteBuf | Uint8Array, promise: ChannelPromise | null): boolean {
    let ctx = this.prev
    while ((ctx.flags & MASK_WRITE) === 0) ctx = ctx.prev
    if (ctx.handler !== HeadHandler.INSTANCE) return false
    return this.pipeline.transport.writePrefixed0(prefix, prefixBytes, msg, promise)
  }

  invokeWrite(msg: unknown, promise: ChannelPromise | null): void {
    if (this.state === ADD_COMPLETE) this.callWrite(msg, promise)
    else this.write(msg, promise)
  }

  private callWrite(msg: unknown, promise: ChannelPromise | null): void {
    try {
      const result = this.table.write.call(this.handler, this, msg, promise)
      if (result !== undefined) this.watchOutbound(result, promise)
    } catch (error) {
      failPromise(promise, toError(error), this.channel)
    }
  }

  /** Sends what was written before. */
  flush(): this {
    let ctx = this.prev
    while ((ctx.flags & MASK_FLUSH) === 0) ctx = ctx.prev
    ctx.invokeFlush()
    return this
  }

  invokeFlush(): void {
    if (this.state === ADD_COMPLETE) this.callFlush()
    else this.flush()
  }

  private callFlush(): void {
    try {
      const result = this.table.flush.call(this.handler, this)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  /** {@link write}, then {@link flush}, from the same place; the flush comes also when the write failed. */
  writeAndFlush(msg: unknown): ChannelPromise
  writeAndFlush<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  writeAndFlush(msg: unknown, promise?: ChannelPromise | null): ChannelPromise | null {
    if (promise === undefined) promise = new DefaultChannelPromise(this.channel)
    else if (promise !== null && !this.checkWritePromise(promise, msg)) return promise
    let ctx = this.prev
    while ((ctx.flags & (MASK_WRITE | MASK_FLUSH)) === 0) ctx = ctx.prev
    if (ctx.state !== ADD_COMPLETE) return ctx.writeAndFlush(msg, promise)
    ctx.callWrite(msg, promise)
    ctx.callFlush() // also when the write took the handler out of the pipeline: it is one operation
    return promise
  }

  /** Internal: calls handlerAdded. The state changes first, so that events fired in there reach the handler. */
  callHandlerAdded(): void {
    if (this.state !== ADD_PENDING) return
    this.state = ADD_COMPLETE
    const result = this.table.handlerAdded.call(this.handler, this)
    if (result !== undefined) this.watch(result)
  }

  /** Internal: calls handlerRemoved if handlerAdded was called; the state changes in any case. */
  callHandlerRemoved(): void {
    try {
      if (this.state === ADD_COMPLETE) {
        const result = this.table.handlerRemoved.call(this.handler, this)
        if (result !== undefined) this.watch(result)
      }
    } finally {
      this.state = REMOVED
      if (ResourceLeakDetector.isAdvanced) reportLateMethods(this.name, this.handler, this.table)
    }
  }

  override toString(): string {
    return `ChannelHandlerContext(${this.name}, ${String(this.channel)})`
  }

  private checkWritePromise(promise: ChannelPromise, msg: unknown): boolean {
    let valid = false
    try {
      valid = checkPromise(promise, this.channel)
      return valid
    } finally {
      if (!valid) release(msg)
    }
  }

  private watchOutbound(result: unknown, promise: ChannelPromise | null): void {
    if (!(result instanceof Promise)) return
    result.catch((error: unknown) => {
      promise?.tryFailure(error)
      this.handlerThrew(error)
    })
  }
}
