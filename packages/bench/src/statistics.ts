/** The middle of several figures and how far they lie apart. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** The median of at least one figure; of an even number the upper of the two in the middle, which is a figure that was measured. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of no figures')
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

/** Median, smallest and largest of at least one figure. */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * How figures compare with those of another case that were measured in the same rounds: divided round by round, so that what slowed
 * the machine down for a while counts on both sides. Rounds that only one of the two has are left out.
 */
export function ratioSpread(values: readonly number[], base: readonly number[]): Spread {
  const ratios: number[] = []
  for (let round = 0; round < Math.min(values.length, base.length); round++) {
    if (base[round] !== 0) ratios.push(values[round]! / base[round]!)
  }
  return spread(ratios)
}
