/** So many accesses are kept, the latest ones; Netty's default of `targetRecords` is 4. */
const MAX_ACCESSES = 8

/**
 * What the leak detector knows of one piece of pooled memory: where it was allocated and, from level advanced on, where it was seen since.
 * Strings only: a stack that is not formatted yet keeps its receivers alive, and with them, perhaps, the very buffer that is watched.
 */
export class LeakRecord {
  /** The frames of the place that allocated, innermost first. */
  readonly site: readonly string[]
  /** The latest hints and places, oldest first; undefined below level advanced. */
  readonly accesses: string[] | undefined

  constructor(site: readonly string[], keepAccesses: boolean) {
    this.site = site
    this.accesses = keepAccesses ? [] : undefined
  }

  /** The buffer was seen; `method` is left out of the stack. */
  seen(what: string, method: (...args: never[]) => unknown): void {
    if (this.accesses === undefined) return
    if (this.accesses.length === MAX_ACCESSES) this.accesses.shift()
    this.accesses.push(`${what} ${placesOf(method, 3).join(' ')}`)
  }
}

/** So many frames above `method`, innermost first. */
export function placesOf(method: (...args: never[]) => unknown, frames: number): string[] {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', frames) // an assignment would throw where Error is frozen
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, method)
  Reflect.set(Error, 'stackTraceLimit', limit)
  return String(holder.stack)
    .split('\n')
    .slice(1)
    .map((frame) => frame.trim())
}
