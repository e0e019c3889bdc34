/** What keeps its booleans in one number. */
export interface Flagged {
  flags: number
}

/** A small integer holds so many bits on every platform that V8 knows. */
const MAX_FLAGS = 30
let flagCount = 0

/**
 * Gives a class boolean properties that are bits of `flags`, to be declared there: `declare protected reading: boolean`. A server has a
 * channel for each of many thousand idle connections, and a field of its own is 8 bytes in each of them.
 */
export function defineFlags(prototype: Flagged, names: readonly string[]): void {
  for (const name of names) {
    if (flagCount === MAX_FLAGS) throw new Error(`no bit is left for ${name}`)
    const bit = 1 << flagCount++
    Object.defineProperty(prototype, name, {
      get(this: Flagged): boolean {
        return (this.flags & bit) !== 0
      },
      set(this: Flagged, value: boolean) {
        this.flags = value ? this.flags | bit : this.flags & ~bit
      },
    })
  }
}
