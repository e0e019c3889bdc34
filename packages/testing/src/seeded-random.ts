/**
 * Whole numbers that look random and are the same for the same seed: mulberry32, which has 32 bits of state and is quick. The
 * returned function gives a number from 0 to `below - 1`.
 */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below)
  }
}

/** A seed that differs from run to run. */
export function anySeed(): number {
  return Math.floor(Math.random() * 0x1_0000_0000)
}
