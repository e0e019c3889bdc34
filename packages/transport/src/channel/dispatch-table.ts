import { ChannelPipelineError } from './errors.js'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import type { ChannelPromise } from './channel-promise.js'
import type { SocketAddress } from '../socket/address.js'

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
const lifecycleNames: ReadonlySet<string> = new Set(['handlerAdded', 'handlerRemoved'])
const ignore = (): void => undefined

/**
 * The methods of one handler class and the mask that says which of them it has. All contexts of the class share it, so a call
 * site sees one shape however many handler classes a pipeline has: 3.3 ns a hop at 8 classes against 6.9 for
 * `handler.channelRead(...)` (benchmarks/prototype/dispatch-table.mjs). The entry of an absent method forwards the event.
 */
export class DispatchTable {
  mask = 0
  readonly className: string
  handlerAdded: Method<[]> = ignore
  handlerRemoved: Method<[]> = ignore
  channelRegistered: Method<[]> = (ctx) => ctx.fireChannelRegistered()
  channelUnregistered: Method<[]> = (ctx) => ctx.fireChannelUnregistered()
  channelActive: Method<[]> = (ctx) => ctx.fireChannelActive()
  channelInactive: Method<[]> = (ctx) => ctx.fireChannelInactive()
  channelRead: Method<[msg: unknown]> = (ctx, msg) => ctx.fireChannelRead(msg)
  channelReadComplete: Method<[]> = (ctx) => ctx.fireChannelReadComplete()
  userEventTriggered: Method<[event: unknown]> = (ctx, event) => ctx.fireUserEventTriggered(event)
  channelWritabilityChanged: Method<[]> = (ctx) => ctx.fireChannelWritabilityChanged()
  exceptionCaught: Method<[cause: Error]> = (ctx, cause) => ctx.fireExceptionCaught(cause)
  bind: Method<[SocketAddress, ChannelPromise]> = (ctx, local, promise) => ctx.bind(local, promise)
  connect: Method<[SocketAddress, SocketAddress | undefined, ChannelPromise]> = (ctx, remote, local, promise) =>
    ctx.connect(remote, local, promise)
  disconnect: Method<[ChannelPromise]> = (ctx, promise) => ctx.disconnect(promise)
  close: Method<[ChannelPromise]> = (ctx, promise) => ctx.close(promise)
  deregister: Method<[ChannelPromise]> = (ctx, promise) => ctx.deregister(promise)
  read: Method<[]> = (ctx) => ctx.read()
  write: Method<[msg: unknown, promise: ChannelPromise | null]> = (ctx, msg, promise) => ctx.write(msg, promise as ChannelPromise)
  flush: Method<[]> = (ctx) => ctx.flush()

  constructor(handler: object) {
    this.className = classNameOf(handler)
    for (const name of [...eventMasks.keys(), ...lifecycleNames]) {
      const method = (handler as Record<string, unknown>)[name]
      if (typeof method !== 'function') continue
      if (Object.hasOwn(outboundMasks, name) && method.length === 0) throw cannotForward(this.className, name)
      ;(this as unknown as Record<string, unknown>)[name] = method
      this.mask |= eventMasks.get(name) ?? 0
    }
  }
}

function cannotForward(className: string, method: string): ChannelPipelineError {
  return new ChannelPipelineError(
    `${className}.${method}() takes no argument, so it cannot forward the event: declare ${method}(ctx, …) and call ctx.${method}(…)` +
      (method === 'write' ? '; with a rest parameter write it as write(ctx, ...rest)' : ''),
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

/**
 * The table of a handler: that of its prototype, read once, unless the instance has event methods of its own (an object literal,
 * arrow functions in fields). A {@link ChannelPipelineError} when it is no handler, or has an outbound method that cannot forward.
 */
export function dispatchTableOf(handler: ChannelHandler): DispatchTable {
  checkIsHandler(handler)
  for (const name in handler) {
    if (!eventMasks.has(name) && !lifecycleNames.has(name)) continue
    if (Object.hasOwn(handler, name) && typeof (handler as Record<string, unknown>)[name] === 'function') return new DispatchTable(handler)
  }
  const prototype = Object.getPrototypeOf(handler) as object | null
  if (prototype === null) return new DispatchTable(handler)
  let table = tables.get(prototype)
  if (table === undefined) {
    table = new DispatchTable(handler)
    tables.set(prototype, table)
  }
  return table
}

function checkIsHandler(handler: unknown): void {
  if (typeof handler === 'object' && handler !== null) return
  if (typeof handler !== 'function') {
    throw new ChannelPipelineError(`a handler is an object with event methods, not ${String(handler)}`, undefined, 'ERR_KNOTTY_NOT_A_HANDLER')
  }
  const name = handler.name === '' ? 'a function' : handler.name
  const isClass = Function.prototype.toString.call(handler).startsWith('class')
  const fix = isClass
    ? `pass new ${name}() instead of the class`
    : 'pass an object with event methods; an initializer function goes to handler(), childHandler() or new ChannelInitializer(fn)'
  throw new ChannelPipelineError(`${name} is not a handler: ${fix}`, undefined, 'ERR_KNOTTY_NOT_A_HANDLER')
}
