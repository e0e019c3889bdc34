import { Buffer } from 'node:buffer'
import { inspect, isDeepStrictEqual } from 'node:util'
import { ByteBuf, ByteBufUtil } from '@knotty/buffer'

/** Equal items shown in front of the first difference. */
const SHOWN_BEFORE = 5

/** Bytes by content, however they were held. */
class Bytes {
  readonly hex: string

  constructor(hex: string) {
    this.hex = hex
  }

  [inspect.custom](): string {
    return `<${this.hex}>`
  }
}

/**
 * A copy of a message for comparing by value: the readable bytes of a ByteBuf, and a Uint8Array, become the same thing, also inside
 * arrays, maps, sets and the own enumerable properties of objects (symbols too), whose class is kept; `#private` fields are left out. Moves no index
 * and releases nothing.
 */
export function toComparable(value: unknown): unknown {
  return copy(value, new Map())
}

/** True when both are the same by value; both come from {@link toComparable}. */
export function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b)
}

/** A comparable, or a list of them, as an error message shows it: cut off where it is long. */
export function showComparable(value: unknown): string {
  return inspect(value, { depth: 6, maxArrayLength: 20, maxStringLength: 200, breakLength: 120 })
}

/** Lists from a little before their first difference on, so that it is not cut off; for {@link showComparable}. */
export function fromDifference(a: readonly unknown[], b: readonly unknown[]): { readonly start: number; readonly lists: readonly unknown[][] } {
  let index = 0
  while (index < a.length && index < b.length && isSame(a[index], b[index])) index++
  const start = Math.max(0, index - SHOWN_BEFORE)
  return { start, lists: [a.slice(start), b.slice(start)] }
}

function copy(value: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (seen.has(value)) return seen.get(value)
  if (value instanceof Bytes) return value
  if (ByteBuf.isByteBuf(value)) return new Bytes(ByteBufUtil.hexDump(value))
  if (value instanceof Uint8Array) return new Bytes(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex'))
  if (Array.isArray(value)) {
    const items: unknown[] = []
    seen.set(value, items)
    for (const item of value) items.push(copy(item, seen))
    return items
  }
  if (value instanceof Map) {
    const entries = new Map<unknown, unknown>()
    seen.set(value, entries)
    for (const [key, item] of value) entries.set(copy(key, seen), copy(item, seen))
    return entries
  }
  if (value instanceof Set) {
    const items = new Set<unknown>()
    seen.set(value, items)
    for (const item of value) items.add(copy(item, seen))
    return items
  }
  // a Date, an Error and the like keep what they are in slots that no copy would have
  if (Object.prototype.toString.call(value) !== '[object Object]') return value
  const object = Object.create(Object.getPrototypeOf(value) as object | null) as object
  seen.set(value, object)
  for (const key of Reflect.ownKeys(value)) {
    if (!Object.prototype.propertyIsEnumerable.call(value, key)) continue
    const item = copy((value as Record<PropertyKey, unknown>)[key], seen)
    Object.defineProperty(object, key, { value: item, enumerable: true }) // an assignment to __proto__ would make no property
  }
  return object
}
