import type { BenchReport, BenchResult, BenchUnit } from '@knotty/bench'
import { formatFigure, formatNumber, formatTable, median, ratioSpread, type Spread } from '../harness/statistics.js'

/** One case, old and new. */
export interface ComparedCase {
  readonly bench: string
  readonly case: string
  readonly unit: BenchUnit
  readonly old: number
  readonly new: number
  /** New to old. */
  readonly ratio: Spread
  /** Heap bytes an operation, where both were measured. */
  readonly heap?: readonly [old: number, new: number]
}

const TEXT_COLUMNS: ReadonlySet<number> = new Set([0, 5])
const LESS_IS_BETTER: ReadonlySet<BenchUnit> = new Set(['ns/op', 'bytes', 'ms'])

/** Compares figures of the same rounds: the ratio is taken round by round. */
export function comparePaired(old: readonly BenchResult[], now: readonly BenchResult[]): ComparedCase {
  const [first, values, others] = [now[0]!, now.map(({ value }) => value), old.map(({ value }) => value)]
  return compared(first, median(others), median(values), ratioSpread(values, others), heapOf(old), heapOf(now))
}

/**
 * Compares two files of results, which were made at different times. The spread reaches from the smallest new sample to the
 * largest old one, to the opposite. `missing` are cases that only one of them has.
 */
export function compareReports(old: BenchReport, now: BenchReport): { cases: ComparedCase[]; missing: string[] } {
  const key = (result: BenchResult): string => `${result.bench}: ${result.case}`
  const olds = new Map(old.results.map((result) => [key(result), result]))
  const cases: ComparedCase[] = []
  const missing: string[] = []
  for (const result of now.results) {
    const other = olds.get(key(result))
    if (other === undefined || other.unit !== result.unit) {
      missing.push(key(result))
      continue
    }
    olds.delete(key(result))
    const ratio = {
      median: result.value / other.value,
      min: Math.min(...result.samples) / Math.max(...other.samples),
      max: Math.max(...result.samples) / Math.min(...other.samples),
    }
    cases.push(compared(result, other.value, result.value, ratio, other.heapBytes, result.heapBytes))
  }
  return { cases, missing: [...missing, ...olds.keys()] }
}

/** `better`, `worse`, or nothing while the spread of the ratio includes 1. */
export function verdict({ ratio, unit }: ComparedCase): string {
  if (!(ratio.min > 1 || ratio.max < 1)) return ''
  return ratio.min > 1 === LESS_IS_BETTER.has(unit) ? 'worse' : 'better'
}

/** The table for people. */
export function comparisonTable(cases: readonly ComparedCase[]): string {
  const rows: string[][] = []
  let bench = ''
  for (const each of cases) {
    if (each.bench !== bench) rows.push([(bench = each.bench)])
    const { ratio, unit, heap } = each
    rows.push([
      `  ${each.case}`,
      formatFigure(each.old, unit),
      formatFigure(each.new, unit),
      formatNumber(ratio.median),
      `${formatNumber(ratio.min)} - ${formatNumber(ratio.max)}`,
      verdict(each),
      heap === undefined ? '' : `${formatFigure(heap[0], 'bytes')} -> ${formatFigure(heap[1], 'bytes')}`,
    ])
  }
  return formatTable(['', 'old', 'new', 'new/old', 'spread', '', 'heap/op'], rows, TEXT_COLUMNS)
}

function compared(result: BenchResult, old: number, now: number, ratio: Spread, oldHeap?: number, newHeap?: number): ComparedCase {
  const heap = oldHeap === undefined || newHeap === undefined ? {} : { heap: [oldHeap, newHeap] as const }
  return { bench: result.bench, case: result.case, unit: result.unit, old, new: now, ratio, ...heap }
}

function heapOf(results: readonly BenchResult[]): number | undefined {
  const bytes = results.flatMap(({ heapBytes }) => heapBytes ?? [])
  return bytes.length === 0 ? undefined : median(bytes)
}
