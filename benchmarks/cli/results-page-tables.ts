// The table of the comparison with the peers, for the terminal and for the page of results.
import type { BenchRatio } from '@knotty/bench'
import { formatFigure, formatNumber, formatTable, spread } from '../harness/statistics.js'
import { type EchoFigures, ratioTo } from '../peers/measure-echo.js'
import { KNOTTY } from '../peers/peers.js'
import { markdownTable } from './results-page.js'

/** For what was not measured. */
const NONE = '–'
/** The column of what the load generator could do with a server that takes no time. */
const CEILING = 'ceiling of the load'

const rate = (value: number): string => formatFigure(value, 'messages/s')
const ceilingText = ({ ceiling }: EchoFigures): string => (ceiling === undefined ? NONE : rate(ceiling))

function medianOf(figures: EchoFigures, server: string): string {
  const rates = figures.rates.get(server)
  return rates === undefined ? NONE : rate(spread(rates).median)
}

function rangeOf(figures: EchoFigures, server: string): string {
  const rates = figures.rates.get(server)
  if (rates === undefined || rates.length < 2) return ''
  const { min, max } = spread(rates)
  return `${rate(min)} - ${rate(max)}`
}

const hasRanges = ({ rates }: EchoFigures): boolean => [...rates.values()].some(({ length }) => length > 1)

/** Without its range where there was one round. */
function ratioText({ median, min, max }: BenchRatio): string {
  return min === max ? formatNumber(median) : `${formatNumber(median)} (${formatNumber(min)}-${formatNumber(max)})`
}

function ratioOf(figures: EchoFigures, server: string): string {
  const ratio = server === KNOTTY.libuv ? undefined : ratioTo(figures, server)
  return ratio === undefined ? '' : ratioText(ratio)
}

/** Three lines a case: the medians, how far the rounds lie apart, and Knotty on libuv divided by each server in the same round. */
export function peerTable(all: readonly EchoFigures[], servers: readonly string[]): string {
  const rows = all.flatMap((figures) => [
    [figures.case.name, ...servers.map((server) => medianOf(figures, server)), ceilingText(figures)],
    ...(hasRanges(figures) ? [['  min - max of the rounds', ...servers.map((server) => rangeOf(figures, server))]] : []),
    [`  ${KNOTTY.libuv} is so many times`, ...servers.map((server) => ratioOf(figures, server))],
  ])
  return formatTable(['messages/s, median', ...servers, CEILING], rows)
}

/** The same for the page: one row a case. */
export function peerMarkdown(all: readonly EchoFigures[], servers: readonly string[]): string {
  const cell = (figures: EchoFigures, server: string): string => {
    const ratio = ratioOf(figures, server)
    return [medianOf(figures, server), rangeOf(figures, server), ratio && `x ${ratio}`].filter(Boolean).join('<br>')
  }
  const row = (figures: EchoFigures): string[] => {
    const cells = servers.map((server) => cell(figures, server))
    return [figures.case.name, ...cells, ceilingText(figures)]
  }
  return markdownTable(['case', ...servers, CEILING], all.map(row))
}

const TARGET_HEADER = ['Knotty libuv', 'to', 'ratio reached', 'must', '', 'goal', '']

function verdict(ratio: BenchRatio | undefined, wanted: number | undefined): string {
  if (wanted === undefined) return ''
  if (ratio === undefined) return 'not measured'
  return ratio.median >= wanted ? 'reached' : 'NOT reached'
}

function targetRows(all: readonly EchoFigures[]): readonly (readonly string[])[] {
  return all.flatMap((figures) =>
    figures.case.targets.map(({ to, must, goal }) => {
      const ratio = ratioTo(figures, to)
      const wanted = (value: number | undefined): string => (value === undefined ? NONE : String(value))
      const reached = ratio === undefined ? NONE : ratioText(ratio)
      return [figures.case.name, to, reached, wanted(must), verdict(ratio, must), wanted(goal), verdict(ratio, goal)]
    }),
  )
}

/** Which of the ratios aimed at are reached, by the median of the rounds. Empty when none belongs to these cases. */
export function targetTable(all: readonly EchoFigures[]): string {
  const rows = targetRows(all)
  return rows.length === 0 ? '' : formatTable(TARGET_HEADER, rows)
}

/** The same for the page. */
export function targetMarkdown(all: readonly EchoFigures[]): string {
  return markdownTable(TARGET_HEADER, targetRows(all))
}

/** A Node line: the servers that ran on it, by the names they have on every line. */
export interface LineColumn {
  readonly label: string
  /** Server as it is called in the figures -> as it is called in the table. */
  readonly servers: ReadonlyMap<string, string>
}

function lineRows(all: readonly EchoFigures[], lines: readonly LineColumn[]): readonly (readonly string[])[] {
  const names = new Set(lines.flatMap(({ servers }) => [...servers.values()]))
  const rows: string[][] = []
  for (const figures of all) {
    for (const name of names) rows.push([figures.case.name, name].concat(lines.map((line) => lineCell(figures, line, name))))
  }
  return rows
}

function lineCell(figures: EchoFigures, { servers }: LineColumn, name: string): string {
  const server = [...servers].find(([, shown]) => shown === name)?.[0] ?? ''
  const range = rangeOf(figures, server)
  return range === '' ? medianOf(figures, server) : `${medianOf(figures, server)} (${range})`
}

/** Case and server against Node lines: median, and how far the rounds lie apart. */
export function linesTable(all: readonly EchoFigures[], lines: readonly LineColumn[]): string {
  return formatTable(['case', 'server', ...lines.map(({ label }) => label)], lineRows(all, lines))
}

/** The same for the page. */
export function linesMarkdown(all: readonly EchoFigures[], lines: readonly LineColumn[]): string {
  return markdownTable(['case', 'server', ...lines.map(({ label }) => label)], lineRows(all, lines))
}
