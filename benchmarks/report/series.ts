import type { BenchResult } from '@knotty/bench'

/** A case of a curve, with the number it stands for. */
interface SeriesPoint {
  readonly at: number
  readonly result: BenchResult
}

/** Cases that differ in one number only, in its order: `length 1`, `length 4`, … `length 64`. */
export interface Series {
  /** The cases' name with the number as n: `length n`, `Knotty, n connections`. */
  readonly name: string
  /** What the number counts, as far as the names tell: `length`, `connections`, `bytes`. Series of one axis share a chart. */
  readonly axis: string
  readonly points: readonly SeriesPoint[]
}

const LEAST_POINTS = 3
const NUMBER = /(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)( ?(?:B|KiB|MiB|bytes)\b)?(?![\w]*\d)/g
const BYTE_UNITS: Readonly<Record<string, number>> = { B: 1, bytes: 1, KiB: 1024, MiB: 1024 ** 2 }

interface Candidate {
  readonly name: string
  readonly axis: string
  readonly points: SeriesPoint[]
}

/** The curves among these results (of one benchmark and one unit), and what is in none. A case belongs to one curve at most. */
export function findSeries(results: readonly BenchResult[]): { readonly series: readonly Series[]; readonly rest: readonly BenchResult[] } {
  const candidates = new Map<string, Candidate>()
  for (const result of results) {
    for (const match of result.case.matchAll(NUMBER)) {
      const unit = match[2]?.trim()
      const before = result.case.slice(0, match.index)
      const after = result.case.slice(match.index + match[0].length)
      const name = `${before}n${unit === undefined ? '' : ' bytes'}${after}`
      const candidate = candidates.get(name) ?? { name, axis: axisOf(before, after, unit), points: [] }
      candidates.set(name, candidate)
      candidate.points.push({ at: Number((match[1] as string).replaceAll(',', '')) * (BYTE_UNITS[unit ?? 'B'] as number), result })
    }
  }
  const taken = new Set<BenchResult>()
  const series: Series[] = []
  for (const candidate of [...candidates.values()].sort((a, b) => b.points.length - a.points.length)) {
    const points = candidate.points.filter(({ result }) => !taken.has(result)).sort((a, b) => a.at - b.at)
    if (new Set(points.map(({ at }) => at)).size < LEAST_POINTS) continue
    for (const { result } of points) taken.add(result)
    series.push({ name: candidate.name, axis: candidate.axis, points })
  }
  return { series, rest: results.filter((result) => !taken.has(result)) }
}

function axisOf(before: string, after: string, unit: string | undefined): string {
  if (unit !== undefined) return 'bytes'
  const next = /^[ -]([a-z]+(?: in flight)?)/i.exec(after)?.[1]
  return next ?? /([a-z]+)\W*$/i.exec(before)?.[1] ?? 'n'
}
