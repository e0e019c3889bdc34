import type { BenchRatio, BenchResult } from '@knotty/bench'
import { formatFigure, formatNumber, formatTable, spread } from '../harness/statistics.js'

const HEADER = ['', 'figure', 'spread', 'p99', 'heap/op', 'ratio, note']
const TEXT_COLUMNS: ReadonlySet<number> = new Set([0, 5])
const LEGEND = `figure: median of the rounds. For times (ns, us, ms) and bytes less is better, for rates (/s) more.
spread: smallest and largest round; a difference within it means nothing.
p99: one operation (micro: a series of about 50 us) in a hundred took longer.   heap/op: bytes allocated an operation.
ratio: to the case named, of the same rounds; "must" is what the project asks of itself, "goal" what it is after.`

/** All results in one table, with a line of heading for each bench program and the meaning of the columns below. */
export function summaryTable(results: readonly BenchResult[]): string {
  const rows: string[][] = []
  let bench = ''
  for (const result of results) {
    if (result.bench !== bench) rows.push([(bench = result.bench)])
    const { value, unit, samples, latency, heapBytes, ratios, note } = result
    const { min, max } = spread(samples)
    rows.push([
      `  ${result.case}`,
      formatFigure(value, unit),
      samples.length < 2 ? '' : `${formatFigure(min, unit)} - ${formatFigure(max, unit)}`,
      latency === undefined ? '' : formatFigure(latency.p99, 'ns/op'),
      heapBytes === undefined ? '' : formatFigure(heapBytes, 'bytes'),
      [...(ratios ?? []).map((ratio) => ratioText(ratio, result)), ...(note === undefined ? [] : [note])].join('; '),
    ])
  }
  return `${formatTable(HEADER, rows, TEXT_COLUMNS)}\n\n${LEGEND}`
}

/** `0.51 x Buffer.readInt32BE, must 1: met`. */
function ratioText(ratio: BenchRatio, { case: own, unit }: BenchResult): string {
  const { median, to, must, goal } = ratio
  const more = unit === 'messages/s' || unit === 'connections/s'
  const limits: string[] = []
  for (const [name, limit] of [['must', must], ['goal', goal]] as const) {
    if (limit !== undefined) limits.push(`${name} ${limit}: ${(more ? median >= limit : median <= limit) ? 'met' : 'not met'}`)
  }
  return [`${formatNumber(median)} x ${withoutCommonStart(to, own)}`, ...limits].join(', ')
}

/** The name without what it has in common with another up to the last colon: `Netty` of `64 B: Netty` beside `64 B: Knotty`. */
function withoutCommonStart(name: string, beside: string): string {
  const colon = name.lastIndexOf(': ')
  return colon > 0 && beside.startsWith(name.slice(0, colon + 2)) ? name.slice(colon + 2) : name
}
