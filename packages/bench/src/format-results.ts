import type { BenchRatio, BenchResult, BenchUnit } from './bench-result.js'
import { formatTable } from './format-table.js'
import { spread } from './statistics.js'

/** A figure with three significant digits, and commas from ten thousand on: `3.14`, `31.4`, `314`, `31,415`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en-US')
  if (size < 0.005) return '0'
  return value.toFixed(size < 10 ? 2 : 1)
}

/** Units that grow beyond what is read with ease. */
const SCALES: Readonly<Record<BenchUnit, readonly (readonly [from: number, divisor: number, unit: string])[]>> = {
  'ns/op': [[1e6, 1e6, 'ms'], [1e4, 1e3, 'us'], [0, 1, 'ns']],
  'messages/s': [[1e6, 1e6, 'M/s'], [1e4, 1e3, 'k/s'], [0, 1, '/s']],
  'connections/s': [[1e6, 1e6, 'M/s'], [1e4, 1e3, 'k/s'], [0, 1, '/s']],
  bytes: [[1 << 20, 1 << 20, 'MiB'], [1 << 14, 1 << 10, 'KiB'], [0, 1, 'B']],
  ms: [[1e4, 1e3, 's'], [0, 1, 'ms']],
}

/** A figure with its unit, in a size that is read with ease: `12.3 ns`, `4.75 M/s`, `1.21 KiB`. */
export function formatFigure(value: number, unit: BenchUnit): string {
  const [, divisor, name] = scaleOf(value, unit)
  return `${formatNumber(value / divisor)} ${name}`
}

function scaleOf(value: number, unit: BenchUnit): readonly [from: number, divisor: number, unit: string] {
  return SCALES[unit].find(([from]) => Math.abs(value) >= from)!
}

/** `1.05 (0.98-1.21), must 1.3, goal 1.1`. */
function formatRatio({ median, min, max, must, goal }: BenchRatio): string {
  const limits = `${must === undefined ? '' : `, must ${must}`}${goal === undefined ? '' : `, goal ${goal}`}`
  return `${formatNumber(median)} (${formatNumber(min)}-${formatNumber(max)})${limits}`
}

/**
 * Tables for people, one a benchmark: what an operation took, or how many there were in a second; the slowest hundredth; heap bytes
 * and time of garbage collection an operation, where they were measured; ratios and notes below the table.
 */
export function formatResults(results: readonly BenchResult[]): string {
  const benches = [...new Set(results.map(({ bench }) => bench))]
  return benches.map((bench) => formatBench(bench, results.filter((result) => result.bench === bench))).join('\n\n')
}

interface Column {
  readonly title: string
  readonly cell: (result: BenchResult) => string | undefined
}

const COLUMNS: readonly Column[] = [
  { title: 'median', cell: ({ value, unit }) => formatFigure(value, unit) },
  { title: 'min-max of rounds', cell: formatRange },
  { title: 'p50', cell: ({ latency, unit }) => (unit === 'ns/op' ? undefined : latency && formatFigure(latency.p50, 'ns/op')) },
  { title: 'p99', cell: ({ latency }) => latency && formatFigure(latency.p99, 'ns/op') },
  { title: 'heap/op', cell: ({ heapBytes }) => (heapBytes === undefined ? undefined : formatFigure(heapBytes, 'bytes')) },
  { title: 'gc/op', cell: ({ gcNs }) => (gcNs === undefined ? undefined : formatFigure(gcNs, 'ns/op')) },
  { title: 'ops/s', cell: ({ value, unit }) => (unit === 'ns/op' ? formatFigure(1e9 / value, 'messages/s') : undefined) },
]

/** Smallest and largest round, in the unit of the largest: `5.87 - 11.4 ns`; undefined of a single round. */
export function formatRange({ samples, unit }: BenchResult): string | undefined {
  if (samples.length < 2) return undefined
  const { min, max } = spread(samples)
  const [, divisor] = scaleOf(max, unit)
  return `${formatNumber(min / divisor)} - ${formatFigure(max, unit)}`
}

function formatBench(bench: string, results: readonly BenchResult[]): string {
  const columns = COLUMNS.filter(({ cell }) => results.some((result) => cell(result) !== undefined))
  const rows = results.map((result) => [result.case, ...columns.map(({ cell }) => cell(result) ?? '')])
  const lines = [formatTable([bench, ...columns.map(({ title }) => title)], rows)]
  for (const result of results) {
    for (const ratio of result.ratios ?? []) lines.push(`  ${result.case} / ${ratio.to}: ${formatRatio(ratio)}`)
    if (result.note !== undefined) lines.push(`  ${result.case}: ${result.note}`)
  }
  return lines.join('\n')
}
