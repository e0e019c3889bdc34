import { IllegalArgumentError, NoSuchElementError, toError, inspectInOneLine } from '@knotty/common'
import type { SocketAddress } from '../socket/address.js'
import type { Channel } from './channel.js'
import type { ChannelFuture } from './channel-future.js'
import type { ChannelHandler } from './channel-handler.js'
import { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelPromise } from './channel-promise.js'
import type { ChannelTransport } from './channel-transport.js'
import { classNameOf, type DispatchTable, dispatchTableOf, MASK_READ } from './dispatch-table.js'
import { ChannelPipelineError } from './errors.js'
import { HeadHandler, TailHandler } from './head-tail.js'
import { describe } from './describe-handler.js'
import { namedOrMany } from './named-or-many.js'
import { defineRare, type RareState, type WithRareState } from './rare-state.js'
import { checkUsable, markUsed } from './used-handlers.js'

/** A handler, or any class whose instances may be one: what `get` and `context` look for. */
export type HandlerClass<H> = abstract new (...args: never[]) => H

/**
 * The handlers of one channel, in order: a doubly linked list of contexts between two fixed ends.
 *
 *                                               I/O request: channel.write(msg), ctx.write(msg)
 *                                                                  │
 *      ┌──────┐   ┌───────────┐   ┌───────────┐   ┌───────────┐   ┌▼─────┐
 *      │ head │◄─►│ handler 1 │◄─►│ handler 2 │◄─►│ handler 3 │◄─►│ tail │
 *      └─▲──┬─┘   └───────────┘   └───────────┘   └───────────┘   └──────┘
 *        │  │      inbound ──►  fireChannelRead, fireChannelActive, …
 *        │  │      outbound ◄── write, flush, read, close, connect, …
 *     read  write
 *      transport
 *
 * Handlers may be added, removed and replaced at any time, also from inside their own methods. Until the channel is registered
 * `handlerAdded` and `handlerRemoved` wait, in order. An event that reaches a handler whose `handlerAdded` has not run passes over
 * it.
 */
export class ChannelPipeline implements Iterable<[name: string, handler: ChannelHandler]> {
  static {
    inspectInOneLine(this)
    defineRare(this.prototype, ['handlerError', 'initializing'])
  }

  /** Also what the head calls, see {@link transport}. */
  readonly channel: Channel
  /** Close the channel when an exception reaches the tail (true; false on server channels). */
  closeOnUncaught: boolean
  /** Internal: how many exceptionCaught calls are on the stack. */
  exceptionDepth = 0
  /** Handlers with a `read`. */
  private readers = 0
  /** Internal, server channels only: what an inbound handler method threw last; the accept guard takes it. */
  declare handlerError: Error | undefined
  /** Internal: settles when the async initializers have; registration, which resets it, waits for it. Never rejects. */
  declare initializing: Promise<void> | undefined
  private readonly headContext: ChannelHandlerContext
  private readonly tailContext: ChannelHandlerContext
  /** handlerAdded and handlerRemoved calls that wait for registration; undefined once registered. */
  private waiting: (() => void)[] | undefined = []

  constructor(channel: Channel & ChannelTransport) {
    this.channel = channel
    this.closeOnUncaught = !channel.isServer
    const head = new ChannelHandlerContext(this, HeadHandler.INSTANCE, dispatchTableOf(HeadHandler.INSTANCE).named('head'))
    const tail = new ChannelHandlerContext(this, TailHandler.INSTANCE, dispatchTableOf(TailHandler.INSTANCE).named('tail'))
    head.next = tail
    tail.prev = head
    head.callHandlerAdded()
    tail.callHandlerAdded()
    this.headContext = head
    this.tailContext = tail
  }

  /** Internal: see defineRare. */
  get rare(): RareState | undefined {
    return (this.channel as unknown as WithRareState).rare
  }

  set rare(value: RareState | undefined) {
    ;(this.channel as unknown as WithRareState).rare = value
  }

  /** Internal: the channel as the head calls it. */
  get transport(): ChannelTransport {
    return this.channel as Channel & ChannelTransport
  }

  /** Adds handlers as the first ones, keeping their order, or one under a name. */
  addFirst(...handlers: ChannelHandler[]): this
  addFirst(name: string | null, handler: ChannelHandler): this
  addFirst(...args: unknown[]): this {
    const { name, handlers } = namedOrMany(args)
    for (const handler of handlers.reverse()) this.insert(this.newContext(name, handler), this.headContext.next)
    return this
  }

  /** Adds handlers as the last ones, or one under a name. */
  addLast(...handlers: ChannelHandler[]): this
  addLast(name: string | null, handler: ChannelHandler): this
  addLast(...args: unknown[]): this {
    const { name, handlers } = namedOrMany(args)
    for (const handler of handlers) this.insert(this.newContext(name, handler), this.tailContext)
    return this
  }

  /** Adds a handler before the one named `base`; null as name makes one up. NoSuchElementError without `base`. */
  addBefore(base: string, name: string | null, handler: ChannelHandler): this {
    return this.insert(this.newContext(name, handler), this.existing(base))
  }

  /** Adds a handler after the one named `base`; null as name makes one up. NoSuchElementError without `base`. */
  addAfter(base: string, name: string | null, handler: ChannelHandler): this {
    return this.insert(this.newContext(name, handler), this.existing(base).next)
  }

  /** Removes by name, instance or class and returns the handler; NoSuchElementError when there is none. */
  remove<H extends ChannelHandler>(which: string | H | HandlerClass<H>): H {
    return this.unlinkAndTell(this.existing(which)) as H
  }

  /** Removes the first handler; NoSuchElementError when there is none. */
  removeFirst(): ChannelHandler {
    if (this.headContext.next === this.tailContext) throw new NoSuchElementError('the pipeline is empty')
    return this.unlinkAndTell(this.headContext.next)
  }

  /** Removes the last handler; NoSuchElementError when there is none. */
  removeLast(): ChannelHandler {
    if (this.tailContext.prev === this.headContext) throw new NoSuchElementError('the pipeline is empty')
    return this.unlinkAndTell(this.tailContext.prev)
  }

  /**
   * Puts a handler in the place of another. The new one's handlerAdded runs before the old one's handlerRemoved, and what the old
   * one fires in there (a decoder's left-over bytes) reaches the new one.
   */
  replace(which: string | ChannelHandler | HandlerClass<ChannelHandler>, name: string | null, handler: ChannelHandler): ChannelHandler {
    const old = this.existing(which)
    const fresh = this.newContext(name, handler, old)
    markUsed(handler)
    fresh.prev = old.prev
    fresh.next = old.next
    old.prev.next = fresh
    old.next.prev = fresh
    old.prev = fresh
    old.next = fresh
    this.countReader(fresh, 1)
    this.countReader(old, -1)
    this.nowOrAtRegistration(() => this.tellAdded(fresh))
    this.nowOrAtRegistration(() => this.tellRemoved(old))
    return old.handler
  }

  /** The handler of that name or class; undefined when there is none. A class also finds its subclasses. */
  get<H extends ChannelHandler = ChannelHandler>(which: string | HandlerClass<H>): H | undefined {
    return this.context(which)?.handler as H | undefined
  }

  /** The context of a handler, by name, instance or class; undefined when there is none. */
  context(which: string | ChannelHandler | HandlerClass<ChannelHandler>): ChannelHandlerContext | undefined {
    for (let ctx = this.headContext.next; ctx !== this.tailContext; ctx = ctx.next) {
      if (ctx.name === which || ctx.handler === which) return ctx
      if (typeof which === 'function' && ctx.handler instanceof which) return ctx
    }
    return undefined
  }

  get first(): ChannelHandler | undefined {
    return this.headContext.next === this.tailContext ? undefined : this.headContext.next.handler
  }

  get last(): ChannelHandler | undefined {
    return this.tailContext.prev === this.headContext ? undefined : this.tailContext.prev.handler
  }

  /** Names from the first handler to the last. */
  get names(): string[] {
    return [...this].map(([name]) => name)
  }

  *[Symbol.iterator](): Generator<[name: string, handler: ChannelHandler]> {
    for (let ctx = this.headContext.next; ctx !== this.tailContext; ctx = ctx.next) yield [ctx.name, ctx.handler]
  }

  toString(): string {
    return `ChannelPipeline(${[...this].map(([name, handler]) => `${name} = ${classNameOf(handler)}`).join(', ')})`
  }

  fireChannelRegistered(): this {
    this.headContext.invokeChannelRegistered()
    return this
  }

  fireChannelUnregistered(): this {
    this.headContext.invokeChannelUnregistered()
    return this
  }

  fireChannelActive(): this {
    this.headContext.invokeChannelActive()
    return this
  }

  fireChannelInactive(): this {
    this.headContext.invokeChannelInactive()
    return this
  }

  fireChannelRead(msg: unknown): this {
    this.headContext.fireChannelRead(msg) // the head itself has no channelRead
    return this
  }

  fireChannelReadComplete(): this {
    this.headContext.invokeChannelReadComplete()
    return this
  }

  fireUserEventTriggered(event: unknown): this {
    this.headContext.invokeUserEventTriggered(event)
    return this
  }

  fireChannelWritabilityChanged(): this {
    this.headContext.invokeChannelWritabilityChanged()
    return this
  }

  fireExceptionCaught(cause: Error): this {
    this.headContext.invokeExceptionCaught(cause)
    return this
  }

  bind(localAddress: SocketAddress, promise?: ChannelPromise): ChannelFuture {
    return this.tailContext.bind(localAddress, promise)
  }

  connect(remoteAddress: SocketAddress, localAddress?: SocketAddress, promise?: ChannelPromise): ChannelFuture {
    return this.tailContext.connect(remoteAddress, localAddress, promise)
  }

  disconnect(promise?: ChannelPromise): ChannelFuture {
    return this.tailContext.disconnect(promise)
  }

  close(promise?: ChannelPromise): ChannelFuture {
    return this.tailContext.close(promise)
  }

  deregister(promise?: ChannelPromise): ChannelFuture {
    return this.tailContext.deregister(promise)
  }

  read(): this {
    this.tailContext.read()
    return this
  }

  /** Internal: {@link read} of AUTO_READ. Where no handler has a `read` it takes the short way: 20 of 320 ns a chunk (outbound-path, `one`). */
  readAgain(): void {
    if (this.readers === 0) this.transport.beginRead()
    else this.read()
  }

  write(msg: unknown): ChannelPromise
  write<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  write(msg: unknown, promise?: ChannelPromise | null): ChannelPromise | null {
    return promise === undefined ? this.tailContext.write(msg) : this.tailContext.write(msg, promise)
  }

  flush(): this {
    this.tailContext.flush()
    return this
  }

  writeAndFlush(msg: unknown): ChannelPromise
  writeAndFlush<P extends ChannelPromise | null>(msg: unknown, promise: P): P
  writeAndFlush(msg: unknown, promise?: ChannelPromise | null): ChannelPromise | null {
    return promise === undefined ? this.tailContext.writeAndFlush(msg) : this.tailContext.writeAndFlush(msg, promise)
  }

  /** Internal: registration completes after `settled`, which never rejects; nothing to do when it has completed already. */
  holdRegistration(settled: Promise<void>): void {
    if (this.transport.isAnnounced) return
    const before = this.initializing
    this.initializing = before === undefined ? settled : before.then(() => settled)
  }

  /** Internal: the channel is registered; the handlerAdded and handlerRemoved calls that waited run now, in order. */
  registered(): void {
    const waiting = this.waiting
    if (waiting === undefined) return
    this.waiting = undefined
    for (const call of waiting) call()
  }

  /** Internal: the channel is closed and unregistered; handlers leave from the last to the first. One added meanwhile stays. */
  destroy(): void {
    for (let ctx = this.tailContext.prev; ctx !== this.headContext; ctx = ctx.prev) {
      if (ctx.isRemoved) continue // by the handlerRemoved of a later handler
      this.unlink(ctx)
      this.tellRemoved(ctx)
    }
  }

  private insert(ctx: ChannelHandlerContext, next: ChannelHandlerContext): this {
    markUsed(ctx.handler)
    ctx.prev = next.prev
    ctx.next = next
    next.prev.next = ctx
    next.prev = ctx
    this.countReader(ctx, 1)
    this.nowOrAtRegistration(() => this.tellAdded(ctx))
    return this
  }

  private countReader(ctx: ChannelHandlerContext, by: number): void {
    if ((ctx.flags & MASK_READ) !== 0) this.readers += by
  }

  /** Checks handler and name, `replaced` apart; nothing is changed, so that a handler whose adding fails can be added again. */
  private newContext(name: string | null, handler: ChannelHandler, replaced?: ChannelHandlerContext): ChannelHandlerContext {
    const table = dispatchTableOf(handler)
    checkUsable(handler, table.className)
    if (name !== null && name !== replaced?.name) this.checkName(name)
    return new ChannelHandlerContext(this, handler, table.named(name ?? this.nameFor(table)))
  }

  private checkName(name: string): void {
    if (this.context(name) === undefined) return
    throw new IllegalArgumentError(
      `the pipeline has a handler named "${name}" already (${this.names.join(', ')}): choose another name, or pass none to get one made up`,
      undefined,
      'ERR_KNOTTY_DUPLICATE_HANDLER_NAME',
    )
  }

  /** `ClassName#0`, or with the next number that is free. */
  private nameFor(table: DispatchTable): string {
    for (let number = 0; ; number++) {
      const name = table.madeUpName(number)
      if (this.context(name) === undefined) return name
    }
  }

  private existing(which: string | ChannelHandler | HandlerClass<ChannelHandler>): ChannelHandlerContext {
    const ctx = this.context(which)
    if (ctx !== undefined) return ctx
    throw new NoSuchElementError(`no handler ${describe(which)} in ${this.toString()}`)
  }

  private unlinkAndTell(ctx: ChannelHandlerContext): ChannelHandler {
    this.unlink(ctx)
    this.nowOrAtRegistration(() => this.tellRemoved(ctx))
    return ctx.handler
  }

  private unlink(ctx: ChannelHandlerContext): void {
    ctx.prev.next = ctx.next
    ctx.next.prev = ctx.prev
    this.countReader(ctx, -1)
  }

  /** Internal: takes this context out, if it is in still; another handler may have its name by now. */
  removeContext(ctx: ChannelHandlerContext): void {
    if (ctx.prev.next === ctx) this.unlinkAndTell(ctx)
  }

  private nowOrAtRegistration(call: () => void): void {
    if (this.waiting === undefined) call()
    else this.waiting.push(call)
  }

  private tellAdded(ctx: ChannelHandlerContext): void {
    try {
      ctx.callHandlerAdded()
    } catch (thrown) {
      const cause = toError(thrown)
      let message = `${ctx.name}.handlerAdded() threw; the handler was removed: ${cause.message}`
      try {
        if (!ctx.isRemoved) this.unlink(ctx)
        ctx.callHandlerRemoved()
      } catch (error) {
        message = `${ctx.name}.handlerAdded() threw, and so did handlerRemoved(): ${toError(error).message}`
      }
      this.fireExceptionCaught(new ChannelPipelineError(message, { cause }))
    }
  }

  private tellRemoved(ctx: ChannelHandlerContext): void {
    const name = ctx.name
    try {
      // A handler that was taken out before registration still gets handlerAdded in its turn; one never added gets neither.
      ctx.callHandlerRemoved()
    } catch (thrown) {
      const cause = toError(thrown)
      this.fireExceptionCaught(new ChannelPipelineError(`${name}.handlerRemoved() threw: ${cause.message}`, { cause }))
    }
  }
}
