import { getLogger } from '@knotty/common'
import type { ChannelHandler } from './channel-handler.js'
import { type DispatchTable, METHOD_NAMES } from './dispatch-table.js'

/** Classes that are remembered, so that each is told of once. */
const MAX_TOLD = 1000

const told = new Set<string>()

/**
 * Warns, once for each class and method, when a handler has event methods that its pipeline never saw: the methods are read when the
 * handler is added. Called when the handler leaves, at leak-detector level advanced and above.
 */
export function reportLateMethods(name: string, handler: ChannelHandler, table: DispatchTable): void {
  for (const method of METHOD_NAMES) {
    const now = valueOf(handler, method)
    if (typeof now !== 'function' || now === table.methodOf(method)) continue
    const key = `${table.className}.${method}`
    if (told.has(key) || told.size >= MAX_TOLD) continue
    told.add(key)
    const cause = 'event methods are read when a handler is added; this one was assigned afterwards and was never called'
    getLogger().warn(`handler "${name}": ${key}() was not seen: ${cause} (told once)`)
  }
}

/** The property, own or inherited; undefined for a getter, which may give another function each time, or throw. */
function valueOf(handler: object, name: string): unknown {
  for (let each: object | null = handler; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    const property = Object.getOwnPropertyDescriptor(each, name)
    if (property !== undefined) return property.value
  }
  return undefined
}
