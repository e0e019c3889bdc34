/** So many different ones are remembered, the last ones made. */
const MAX_REMEMBERED = 16

/**
 * A function that gives one object for equal settings. Each connection of a server makes its decoders anew, with the same settings: they need
 * not be kept as often. The objects must have the same fields, and must not change.
 */
export function sharedSettings<T extends object>(): (settings: T) => T {
  const remembered: T[] = []
  return (settings) => {
    for (const known of remembered) if (isEqual(known, settings)) return known
    if (remembered.length === MAX_REMEMBERED) remembered.pop()
    remembered.unshift(settings)
    return settings
  }
}

function isEqual<T extends object>(one: T, other: T): boolean {
  for (const name in one) if (one[name] !== other[name]) return false
  return true
}
