import { getLogger } from '@knotty/common'
import type { ChannelHandler } from './channel-handler.js'
import { type DispatchTable, METHOD_NAMES } from './dispatch-table.js'
import { ToldOnce } from './told-once.js'

const told = new ToldOnce()

/**
 * Warns, once for each class and method, when a handler has event methods that its pipeline never saw: the methods are read when the
 * handler is added. Called when the handler leaves, at leak-detector level advanced and above.
 */
export function reportLateMethods(name: string, handler: ChannelHandler, table: DispatchTable): void {
  for (const method of Object.keys(handler)) {
    if (!METHOD_NAMES.has(method)) continue
    // Of a getter there is no value: it may give another function each time, or throw.
    const now: unknown = Object.getOwnPropertyDescriptor(handler, method)?.value
    if (typeof now !== 'function' || now === table.methodOf(method)) continue
    const key = `${table.className}.${method}`
    if (!told.isFirst(key)) continue
    const cause = 'event methods are read when a handler is added; this one was assigned afterwards and was never called'
    getLogger().warn(`handler "${name}": ${key}() was not seen: ${cause} (told once)`)
  }
}
