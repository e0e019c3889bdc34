import type { BenchRatio, BenchResult, BenchUnit } from '@knotty/bench'
import { formatFigure, formatNumber, formatRange, formatTable } from '../harness/statistics.js'

const HEADER = ['', 'figure', 'spread', 'p99', 'heap/op', 'ratio, note']
const TEXT_COLUMNS: ReadonlySet<number> = new Set([0, 5])
const LEGEND = `figure: median of the rounds. For times (ns, us, ms) and bytes less is better, for rates (/s) more.
spread: smallest and largest round; a difference within it means nothing.
p99: one operation (micro: a series of about 50 us) in a hundred took longer.   heap/op: bytes allocated an operation.
ratio: to the case named, of the same rounds; "must" is what the project asks of itself, "goal" what it is after. The report has all notes.`

/** A longer note stands in the file of results and in the report only. */
const MAX_NOTE_LENGTH = 40

/**
 * All results in one table, with the meaning of the columns below. Each bench program has a line of heading, and so have the cases
 * whose names begin alike, up to a colon.
 */
export function summaryTable(results: readonly BenchResult[]): string {
  const rows: string[][] = []
  let bench = ''
  let group = ''
  for (const result of results) {
    const [start, name] = splitName(result.case)
    if (result.bench !== bench) {
      rows.push([(bench = result.bench)])
      group = ''
    }
    if (start !== group && start !== '') rows.push([`  ${start}`])
    group = start
    rows.push([`${start === '' ? '  ' : '    '}${name}`, ...cells(result)])
  }
  return `${formatTable(HEADER, rows, TEXT_COLUMNS)}\n\n${LEGEND}`
}

function cells(result: BenchResult): string[] {
  const { value, unit, latency, heapBytes, ratios = [], note = '' } = result
  return [
    formatFigure(value, unit),
    formatRange(result) ?? '',
    latency === undefined ? '' : formatFigure(latency.p99, 'ns/op'),
    heapBytes === undefined ? '' : formatFigure(heapBytes, 'bytes'),
    [...ratios.map((ratio) => ratioText(ratio, unit)), ...(note === '' || note.length > MAX_NOTE_LENGTH ? [] : [note])].join('; '),
  ]
}

/** `['64 B', 'Netty']` of `64 B: Netty`; the first is empty without a colon. */
function splitName(name: string): readonly [start: string, rest: string] {
  const colon = name.lastIndexOf(': ')
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 2)]
}

/** `0.51 x Buffer.readInt32BE, must 1: met`. */
function ratioText({ median, to, must, goal }: BenchRatio, unit: BenchUnit): string {
  const more = unit === 'messages/s' || unit === 'connections/s'
  const limits: string[] = []
  for (const [name, limit] of [['must', must], ['goal', goal]] as const) {
    if (limit !== undefined) limits.push(`${name} ${limit}: ${(more ? median >= limit : median <= limit) ? 'met' : 'not met'}`)
  }
  return [`${formatNumber(median)} x ${splitName(to)[1]}`, ...limits].join(', ')
}
