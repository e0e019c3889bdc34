import { ResourceLeakDetector } from '@knotty/buffer'
import type { SocketAddress } from '../socket/address.js'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelPromise } from './channel-promise.js'
import { ChannelPipelineError } from './errors.js'
import { noteReader } from './held-chunk.js'
import { isClass } from './is-class.js'
import { meantEvent, warnIfMethod } from './method-spelling.js'

export const MASK_CHANNEL_REGISTERED: number = 1
export const MASK_CHANNEL_UNREGISTERED: number = 1 << 1
export const MASK_CHANNEL_ACTIVE: number = 1 << 2
export const MASK_CHANNEL_INACTIVE: number = 1 << 3
export const MASK_CHANNEL_READ: number = 1 << 4
export const MASK_CHANNEL_READ_COMPLETE: number = 1 << 5
export const MASK_USER_EVENT_TRIGGERED: number = 1 << 6
export const MASK_CHANNEL_WRITABILITY_CHANGED: number = 1 << 7
export const MASK_EXCEPTION_CAUGHT: number = 1 << 8
export const MASK_BIND: number = 1 << 9
export const MASK_CONNECT: number = 1 << 10
export const MASK_DISCONNECT: number = 1 << 11
export const MASK_CLOSE: number = 1 << 12
export const MASK_DEREGISTER: number = 1 << 13
export const MASK_READ: number = 1 << 14
export const MASK_WRITE: number = 1 << 15
export const MASK_FLUSH: number = 1 << 16

type Method<A extends unknown[]> = (this: ChannelHandler, ctx: ChannelHandlerContext, ...args: A) => unknown

const inboundMasks = {
  channelRegistered: MASK_CHANNEL_REGISTERED,
  channelUnregistered: MASK_CHANNEL_UNREGISTERED,
  channelActive: MASK_CHANNEL_ACTIVE,
  channelInactive: MASK_CHANNEL_INACTIVE,
  channelRead: MASK_CHANNEL_READ,
  channelReadComplete: MASK_CHANNEL_READ_COMPLETE,
  userEventTriggered: MASK_USER_EVENT_TRIGGERED,
  channelWritabilityChanged: MASK_CHANNEL_WRITABILITY_CHANGED,
  exceptionCaught: MASK_EXCEPTION_CAUGHT,
} as const

const outboundMasks = {
  bind: MASK_BIND,
  connect: MASK_CONNECT,
  disconnect: MASK_DISCONNECT,
  close: MASK_CLOSE,
  deregister: MASK_DEREGISTER,
  read: MASK_READ,
  write: MASK_WRITE,
  flush: MASK_FLUSH,
} as const

const eventMasks: ReadonlyMap<string, number> = new Map(Object.entries({ ...inboundMasks, ...outboundMasks }))
/** All methods of a handler that a pipeline calls. */
export const METHOD_NAMES: ReadonlySet<string> = new Set([...eventMasks.keys(), 'handlerAdded', 'handlerRemoved'])
const ignore = (): void => undefined

/** What an absent method does. Shared by all tables: object literals as handlers make one table each. */
const absent = {
  channelRegistered: (ctx: ChannelHandlerContext): unknown => ctx.fireChannelRegistered(),
  channelUnregistered: (ctx: ChannelHandlerContext): unknown => ctx.fireChannelUnregistered(),
  channelActive: (ctx: ChannelHandlerContext): unknown => ctx.fireChannelActive(),
  channelInactive: (ctx: ChannelHandlerContext): unknown => ctx.fireChannelInactive(),
  channelRead: (ctx: ChannelHandlerContext, msg: unknown): unknown => ctx.fireChannelRead(msg),
  channelReadComplete: (ctx: ChannelHandlerContext): unknown => ctx.fireChannelReadComplete(),
  userEventTriggered: (ctx: ChannelHandlerContext, event: unknown): unknown => ctx.fireUserEventTriggered(event),
  channelWritabilityChanged: (ctx: ChannelHandlerContext): unknown => ctx.fireChannelWritabilityChanged(),
  exceptionCaught: (ctx: ChannelHandlerContext, cause: Error): unknown => ctx.fireExceptionCaught(cause),
  bind: (ctx: ChannelHandlerContext, local: SocketAddress, promise: ChannelPromise): unknown => ctx.bind(local, promise),
  connect: (
    ctx: ChannelHandlerContext,
    remote: SocketAddress,
    local: SocketAddress | undefined,
    promise: ChannelPromise,
  ): unknown => ctx.connect(remote, local, promise),
  disconnect: (ctx: ChannelHandlerContext, promise: ChannelPromise): unknown => ctx.disconnect(promise),
  close: (ctx: ChannelHandlerContext, promise: ChannelPromise): unknown => ctx.close(promise),
  deregister: (ctx: ChannelHandlerContext, promise: ChannelPromise): unknown => ctx.deregister(promise),
  read: (ctx: ChannelHandlerContext): unknown => ctx.read(),
  write: (ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): unknown => ctx.write(msg, promise),
  flush: (ctx: ChannelHandlerContext): unknown => ctx.flush(),
}

/** So many names of one class are shared; one that is given others, perhaps a new one for each connection, gets a table for each. */
const MAX_NAMES = 64

/**
 * The methods of one handler class and the mask that says which of them it has. All contexts of the class share it, so a call
 * site sees one shape however many handler classes a pipeline has: about half the time a hop at 8 classes that it takes with
 * `handler.channelRead(...)` (benchmarks/prototype/dispatch-table.mjs). The entry of an absent method forwards the event: the
 * pipeline enters at the head, and writeAndFlush calls both methods, whatever the mask says.
 */
export class DispatchTable {
  mask = 0
  readonly className: string
  /** Of the contexts that use this table. */
  readonly handlerName: string
  handlerAdded: Method<[]> = ignore
  handlerRemoved: Method<[]> = ignore
  channelRegistered: Method<[]> = absent.channelRegistered
  channelUnregistered: Method<[]> = absent.channelUnregistered
  channelActive: Method<[]> = absent.channelActive
  channelInactive: Method<[]> = absent.channelInactive
  channelRead: Method<[msg: unknown]> = absent.channelRead
  channelReadComplete: Method<[]> = absent.channelReadComplete
  userEventTriggered: Method<[event: unknown]> = absent.userEventTriggered
  channelWritabilityChanged: Method<[]> = absent.channelWritabilityChanged
  exceptionCaught: Method<[cause: Error]> = absent.exceptionCaught
  bind: Method<[SocketAddress, ChannelPromise]> = absent.bind
  connect: Method<[SocketAddress, SocketAddress | undefined, ChannelPromise]> = absent.connect
  disconnect: Method<[ChannelPromise]> = absent.disconnect
  close: Method<[ChannelPromise]> = absent.close
  deregister: Method<[ChannelPromise]> = absent.deregister
  read: Method<[]> = absent.read
  write: Method<[msg: unknown, promise: ChannelPromise | null]> = absent.write
  flush: Method<[]> = absent.flush
  /** channelRead as the handler has it; at leak-detector level advanced the table's own one notes first who reads. */
  private readonly givenRead: Method<[msg: unknown]>
  /** The same table for other names. */
  private others: Map<string, DispatchTable> | undefined = undefined

  constructor(handler: object) {
    this.className = classNameOf(handler)
    this.handlerName = `${this.className}#0`
    for (const name of METHOD_NAMES) {
      const method = (handler as Record<string, unknown>)[name]
      if (typeof method !== 'function') continue
      if (Object.hasOwn(outboundMasks, name) && method.length === 0) throw cannotForward(this.className, name)
      ;(this as unknown as Record<string, unknown>)[name] = method
      this.mask |= eventMasks.get(name) ?? 0
    }
    const given = this.channelRead
    this.givenRead = given
    if (!ResourceLeakDetector.isAdvanced || given === absent.channelRead) return
    this.channelRead = function (ctx: ChannelHandlerContext, msg: unknown): unknown {
      noteReader(ctx, msg)
      return given.call(this, ctx, msg)
    }
  }

  /** `ClassName#number`, what {@link dispatchTableOf} names a table with number 0. */
  madeUpName(number: number): string {
    return number === 0 ? this.handlerName : `${this.className}#${number}`
  }

  /** This table for contexts of that name: names are few and contexts many, each of which would need a field for it, and a string. */
  named(name: string): DispatchTable {
    if (name === this.handlerName) return this
    const known = this.others?.get(name)
    if (known !== undefined) return known
    const made: DispatchTable = Object.assign(new DispatchTable({}), this, { handlerName: name, others: undefined })
    if ((this.others?.size ?? 0) < MAX_NAMES) (this.others ??= new Map()).set(name, made)
    return made
  }

  /** The method of that name as the handler had it when the table was made. */
  methodOf(name: string): unknown {
    return name === 'channelRead' ? this.givenRead : (this as unknown as Record<string, unknown>)[name]
  }
}

function cannotForward(className: string, method: string): ChannelPipelineError {
  return new ChannelPipelineError(
    `${className}.${method}() declares no parameter, so it cannot forward the event: write it as ${method}(ctx, …), with a rest ` +
      `parameter as ${method}(ctx, ...rest), and call ctx.${method}(…)`,
    undefined,
    'ERR_KNOTTY_CANNOT_FORWARD',
  )
}

/** A handler's class name as shown in names and messages. */
export function classNameOf(handler: object): string {
  const name = (handler.constructor as { name?: unknown } | undefined)?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? name : 'Handler'
}

const tables = new WeakMap<object, DispatchTable>()
/** Those made at leak-detector level advanced and above, which note who reads. */
const notingTables = new WeakMap<object, DispatchTable>()

/**
 * The table of a handler: that of its prototype, read once, unless the instance has event methods of its own (an object literal,
 * arrow functions in fields). A {@link ChannelPipelineError} when it is no handler, or has an outbound method that cannot forward.
 */
export function dispatchTableOf(handler: ChannelHandler): DispatchTable {
  checkIsHandler(handler)
  let hasOwnMethods = false
  for (const name in handler) {
    if (!METHOD_NAMES.has(name)) warnIfMisspelt(handler, handler, name)
    else if (Object.hasOwn(handler, name) && typeof (handler as Record<string, unknown>)[name] === 'function') hasOwnMethods = true
  }
  if (hasOwnMethods) return new DispatchTable(handler)
  const prototype = Object.getPrototypeOf(handler) as object | null
  if (prototype === null) return new DispatchTable(handler)
  const known = ResourceLeakDetector.isAdvanced ? notingTables : tables
  let table = known.get(prototype)
  if (table === undefined) {
    table = new DispatchTable(prototype)
    known.set(prototype, table)
    warnOfMisspeltMethods(prototype)
  }
  return table
}

/** Methods of a class and those it inherits, once a class. */
function warnOfMisspeltMethods(prototype: object): void {
  for (let each: object | null = prototype; each !== null && each !== Object.prototype; each = Object.getPrototypeOf(each) as object | null) {
    for (const name of Object.getOwnPropertyNames(each)) warnIfMisspelt(prototype, each, name)
  }
}

function warnIfMisspelt(handler: object, owner: object, name: string): void {
  const event = meantEvent(name, METHOD_NAMES)
  if (event !== undefined) warnIfMethod(classNameOf(handler), owner, name, event)
}

function checkIsHandler(handler: unknown): void {
  if (typeof handler === 'object' && handler !== null) {
    if (Array.isArray(handler)) throw notAHandler('an array is not a handler: spread it, addLast(...handlers)')
    if (handler instanceof Promise) throw notAHandler('a promise is not a handler: await it first')
    return
  }
  if (typeof handler !== 'function') {
    const message = `a handler is an object with event methods, not ${String(handler)}`
    throw new ChannelPipelineError(message, undefined, 'ERR_KNOTTY_NOT_A_HANDLER')
  }
  const name = handler.name === '' ? 'a function' : handler.name
  const fix = isClass(handler)
    ? `pass new ${name}() instead of the class`
    : 'pass an object with event methods; an initializer function goes to handler(), childHandler() or new ChannelInitializer(fn)'
  throw notAHandler(`${name} is not a handler: ${fix}`)
}

function notAHandler(message: string): ChannelPipelineError {
  return new ChannelPipelineError(message, undefined, 'ERR_KNOTTY_NOT_A_HANDLER')
}
