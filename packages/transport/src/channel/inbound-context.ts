import { getLogger, toError } from '@knotty/common'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelPipeline } from './channel-pipeline.js'
import {
  type DispatchTable,
  MASK_CHANNEL_ACTIVE,
  MASK_CHANNEL_INACTIVE,
  MASK_CHANNEL_READ,
  MASK_CHANNEL_READ_COMPLETE,
  MASK_CHANNEL_REGISTERED,
  MASK_CHANNEL_UNREGISTERED,
  MASK_CHANNEL_WRITABILITY_CHANGED,
  MASK_EXCEPTION_CAUGHT,
  MASK_USER_EVENT_TRIGGERED,
} from './dispatch-table.js'

/* The states of a context, which are bits of its flags above those of the mask. */
/** Linked, handlerAdded not yet called: events pass over the handler. */
export const ADD_PENDING: number = 0
/** handlerAdded was called, or is being called: the handler gets events. */
export const ADD_COMPLETE: number = 1 << 17
/** Out of the list; events fired through the context still travel on. */
export const REMOVED: number = 1 << 18
const STATE_BITS = ADD_COMPLETE | REMOVED

/**
 * The inbound half of {@link ChannelHandlerContext}, which is the only class made of it.
 *
 * There is one class of contexts, head and tail included, and each event has a fire/invoke pair written out: so every property
 * load and call below has one shape (benchmarks/prototype/dispatch-table.mjs).
 */
export abstract class InboundContext {
  readonly pipeline: ChannelPipeline
  readonly handler: ChannelHandler
  /** Internal: the neighbours. A removed context keeps them, so that what it fires still travels. */
  prev: ChannelHandlerContext
  next: ChannelHandlerContext
  /** Internal: the table's mask and the {@link state}, in one number because every handler of every channel has them. */
  flags: number
  protected readonly table: DispatchTable

  constructor(pipeline: ChannelPipeline, handler: ChannelHandler, table: DispatchTable) {
    this.pipeline = pipeline
    this.handler = handler
    this.flags = table.mask | ADD_PENDING
    this.table = table
    this.prev = this as unknown as ChannelHandlerContext
    this.next = this as unknown as ChannelHandlerContext
  }

  get name(): string {
    return this.table.handlerName
  }

  /** Internal: ADD_PENDING, ADD_COMPLETE or REMOVED. */
  get state(): number {
    return this.flags & STATE_BITS
  }

  set state(value: number) {
    this.flags = (this.flags & ~STATE_BITS) | value
  }

  fireChannelRegistered(): this {
    let ctx = this.next
    while ((ctx.flags & MASK_CHANNEL_REGISTERED) === 0) ctx = ctx.next
    ctx.invokeChannelRegistered()
    return this
  }

  invokeChannelRegistered(): void {
    if (this.state !== ADD_COMPLETE) return void this.fireChannelRegistered()
    try {
      const result = this.table.channelRegistered.call(this.handler, this as unknown as ChannelHandlerContext)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireChannelUnregistered(): this {
    let ctx = this.next
    while ((ctx.flags & MASK_CHANNEL_UNREGISTERED) === 0) ctx = ctx.next
    ctx.invokeChannelUnregistered()
    return this
  }

  invokeChannelUnregistered(): void {
    if (this.state !== ADD_COMPLETE) return void this.fireChannelUnregistered()
    try {
      const result = this.table.channelUnregistered.call(this.handler, this as unknown as ChannelHandlerContext)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireChannelActive(): this {
    let ctx = this.next
    while ((ctx.flags & MASK_CHANNEL_ACTIVE) === 0) ctx = ctx.next
    ctx.invokeChannelActive()
    return this
  }

  invokeChannelActive(): void {
    if (this.state !== ADD_COMPLETE) return void this.fireChannelActive()
    try {
      const result = this.table.channelActive.call(this.handler, this as unknown as ChannelHandlerContext)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireChannelInactive(): this {
    let ctx = this.next
    while ((ctx.flags & MASK_CHANNEL_INACTIVE) === 0) ctx = ctx.next
    ctx.invokeChannelInactive()
    return this
  }

  invokeChannelInactive(): void {
    if (this.state !== ADD_COMPLETE) return void this.fireChannelInactive()
    try {
      const result = this.table.channelInactive.call(this.handler, this as unknown as ChannelHandlerContext)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireChannelRead(msg: unknown): this {
    let ctx = this.next
    while ((ctx.flags & MASK_CHANNEL_READ) === 0) ctx = ctx.next
    ctx.invokeChannelRead(msg)
    return this
  }

  invokeChannelRead(msg: unknown): void {
    if (this.state !== ADD_COMPLETE) return void this.fireChannelRead(msg)
    try {
      const result = this.table.channelRead.call(this.handler, this as unknown as ChannelHandlerContext, msg)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireChannelReadComplete(): this {
    let ctx = this.next
    while ((ctx.flags & MASK_CHANNEL_READ_COMPLETE) === 0) ctx = ctx.next
    ctx.invokeChannelReadComplete()
    return this
  }

  invokeChannelReadComplete(): void {
    if (this.state !== ADD_COMPLETE) return void this.fireChannelReadComplete()
    try {
      const result = this.table.channelReadComplete.call(this.handler, this as unknown as ChannelHandlerContext)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireUserEventTriggered(event: unknown): this {
    let ctx = this.next
    while ((ctx.flags & MASK_USER_EVENT_TRIGGERED) === 0) ctx = ctx.next
    ctx.invokeUserEventTriggered(event)
    return this
  }

  invokeUserEventTriggered(event: unknown): void {
    if (this.state !== ADD_COMPLETE) return void this.fireUserEventTriggered(event)
    try {
      const result = this.table.userEventTriggered.call(this.handler, this as unknown as ChannelHandlerContext, event)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireChannelWritabilityChanged(): this {
    let ctx = this.next
    while ((ctx.flags & MASK_CHANNEL_WRITABILITY_CHANGED) === 0) ctx = ctx.next
    ctx.invokeChannelWritabilityChanged()
    return this
  }

  invokeChannelWritabilityChanged(): void {
    if (this.state !== ADD_COMPLETE) return void this.fireChannelWritabilityChanged()
    try {
      const result = this.table.channelWritabilityChanged.call(this.handler, this as unknown as ChannelHandlerContext)
      if (result !== undefined) this.watch(result)
    } catch (error) {
      this.handlerThrew(error)
    }
  }

  fireExceptionCaught(cause: Error): this {
    let ctx = this.next
    while ((ctx.flags & MASK_EXCEPTION_CAUGHT) === 0) ctx = ctx.next
    ctx.invokeExceptionCaught(cause)
    return this
  }

  invokeExceptionCaught(cause: Error): void {
    if (this.state !== ADD_COMPLETE) return void this.fireExceptionCaught(cause)
    const pipeline = this.pipeline
    pipeline.exceptionDepth++
    try {
      const result = this.table.exceptionCaught.call(this.handler, this as unknown as ChannelHandlerContext, cause)
      if (result instanceof Promise) result.catch((error: unknown) => this.exceptionCaughtThrew(error, cause))
    } catch (error) {
      this.exceptionCaughtThrew(error, cause)
    } finally {
      pipeline.exceptionDepth--
    }
  }

  /** A handler method returned something: of a native Promise the rejection counts as a throw of the method. */
  protected watch(result: unknown): void {
    if (result instanceof Promise) result.catch((error: unknown) => this.handlerThrew(error))
  }

  protected handlerThrew(thrown: unknown): void {
    const error = toError(thrown)
    if (this.pipeline.transport.isServer) this.pipeline.handlerError = error
    // Netty drops what is thrown beneath an exceptionCaught: the handlers are reporting an error already.
    if (this.pipeline.exceptionDepth > 0) this.logDropped('threw while an exception was being handled', error)
    else this.invokeExceptionCaught(error)
  }

  private exceptionCaughtThrew(thrown: unknown, cause: Error): void {
    this.logDropped(`threw in exceptionCaught while handling "${cause.name}: ${cause.message}"`, thrown)
  }

  private logDropped(what: string, error: unknown): void {
    getLogger().warn(`${this.name} (${this.table.className}) of ${String(this.pipeline.channel)} ${what}`, error)
  }
}
