/** Where a value lies between the ends of an axis, and which values to name. */
export interface Scale {
  /** 0 at the low end, 1 at the high one; values beyond the ends stay at them. */
  at(value: number): number
  readonly ticks: readonly number[]
}

/** From zero to a round value at or above the highest. */
export function linearScale(highest: number): Scale {
  const step = niceStep((highest > 0 ? highest : 1) / 4)
  const count = Math.max(1, Math.ceil(highest / step - 1e-9))
  const end = count * step
  return { at: (value) => clamp(value / end), ticks: Array.from({ length: count + 1 }, (_, index) => index * step) }
}

const STEPS: readonly (readonly number[])[] = [
  [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9],
  [1, 1.5, 2, 3, 4, 5, 6, 8],
  [1, 2, 5],
  [1],
]

/** Logarithmic, for positive values only; ticks at powers of ten, or at steps between where these would be too few. */
export function logScale(lowest: number, highest: number): Scale {
  const decades = Math.log10(highest / lowest)
  const ticks = steppedPowers(lowest, highest, STEPS[decades < 0.2 ? 0 : decades < 0.6 ? 1 : decades < 2 ? 2 : 3] as readonly number[])
  const low = Math.log(Math.min(ticks[0] as number, lowest))
  const high = Math.log(Math.max(ticks.at(-1) as number, highest))
  const span = high - low || 1
  return { at: (value) => clamp((Math.log(value) - low) / span), ticks }
}

/** A logarithmic axis over given places, each of them named: sizes or lengths that were measured. Zero stands where one half would. */
export function logScaleOver(places: readonly number[]): Scale {
  const log = (place: number): number => Math.log(Math.max(place, 0.5))
  const low = log(Math.min(...places))
  const span = log(Math.max(...places)) - low || 1
  return { at: (value) => clamp((log(value) - low) / span), ticks: places }
}

/** The values from the one below the lowest to the one above the highest. */
function steppedPowers(lowest: number, highest: number, steps: readonly number[]): number[] {
  const all: number[] = []
  for (let power = Math.floor(Math.log10(lowest)) - 1; power <= Math.ceil(Math.log10(highest)) + 1; power++) {
    for (const step of steps) all.push(Number((step * 10 ** power).toPrecision(3)))
  }
  const from = all.findLastIndex((value) => value <= lowest)
  const to = all.findIndex((value) => value >= highest)
  return all.slice(from, Math.max(to, from + 1) + 1)
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].find((nice) => nice * power >= rough * (1 - 1e-9)) ?? 10
  return step * power
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}

/** As SVG takes it in an attribute: 12.5%. Widths in percent let a chart grow and shrink while its text keeps its size. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`
}
