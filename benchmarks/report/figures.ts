import type { BenchUnit } from '@knotty/bench'

/** Whether a higher figure of this unit is the better one. */
export function higherIsBetter(unit: BenchUnit): boolean {
  return unit === 'messages/s' || unit === 'connections/s'
}

/** Three significant digits, more where the whole part has more, and thousands apart: 0.0123, 3.12, 85.4, 2,236,123. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const whole = Math.floor(Math.log10(Math.abs(value) || 1)) + 1
  const fractionDigits = Math.min(Math.max(0, 3 - whole), 6)
  return (value === 0 ? 0 : value).toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 0.0005 ? 0 : fractionDigits })
}

/** Two decimals, fewer or more where they say nothing or too little: 0.037, 0.84, 1.10, 50.7. */
export function formatRatio(ratio: number): string {
  const digits = ratio >= 100 ? 0 : ratio >= 10 ? 1 : ratio >= 0.1 ? 2 : 3
  return ratio.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

type Step = readonly [factor: number, name: string]

const TIMES: readonly Step[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
]
const BYTES: readonly Step[] = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
  [1, 'B'],
]

function stepped(value: number, steps: readonly Step[]): string {
  const [factor, name] = steps.find(([least]) => Math.abs(value) >= least) ?? (steps.at(-1) as Step)
  return `${formatNumber(value / factor)} ${name}`
}

/** 12.3 µs. */
export function formatNanoseconds(value: number): string {
  return stepped(value, TIMES)
}

/** A figure short enough to stand beside its bar, with its unit: 2.24 M messages/s, 3.12 ns/op, 1.5 KiB. */
export function formatFigure(value: number, unit: BenchUnit): string {
  if (unit === 'ns/op') return `${formatNanoseconds(value)}/op`
  if (unit === 'ms') return formatNanoseconds(value * 1e6)
  if (unit === 'bytes') return stepped(value, BYTES)
  return `${formatRate(value)} ${unit}`
}

/** The same without what its axis says already: 2.24 M, 3.12 ns, 1.5 KiB. */
export function formatTick(value: number, unit: BenchUnit): string {
  if (unit === 'messages/s' || unit === 'connections/s') return formatRate(value)
  return formatFigure(value, unit).replace('/op', '')
}

function formatRate(value: number): string {
  if (value >= 1e6) return `${formatNumber(value / 1e6)} M`
  return value >= 10_000 ? `${formatNumber(value / 1e3)} k` : formatNumber(value)
}

/** Lowest and highest of the samples; of the figure itself when there are none. */
export function rangeOf(value: number, samples: readonly number[]): readonly [min: number, max: number] {
  return samples.length === 0 ? [value, value] : [Math.min(...samples), Math.max(...samples)]
}
