import type { BenchResult, BenchUnit } from '@knotty/bench'
import { type ComparedCase, letterOf } from './compared-case.js'
import { escape } from './escape.js'
import { formatNanoseconds, formatNumber, rangeOf } from './figures.js'

interface Column {
  readonly title: string
  readonly cell: (result: BenchResult) => string | undefined
}

function columnsFor(unit: BenchUnit): readonly Column[] {
  return [
    { title: `median, ${unit}`, cell: ({ value }) => formatNumber(value) },
    { title: 'lowest', cell: ({ value, samples }) => formatNumber(rangeOf(value, samples)[0]) },
    { title: 'highest', cell: ({ value, samples }) => formatNumber(rangeOf(value, samples)[1]) },
    { title: 'rounds', cell: ({ samples }) => (samples.length === 0 ? undefined : String(samples.length)) },
    { title: 'p50', cell: ({ latency }) => latency && formatNanoseconds(latency.p50) },
    { title: 'p99', cell: ({ latency }) => latency && formatNanoseconds(latency.p99) },
    { title: 'p99.9', cell: ({ latency }) => latency && formatNanoseconds(latency.p999) },
    { title: 'heap B/op', cell: ({ heapBytes }) => (heapBytes === undefined ? undefined : formatNumber(heapBytes)) },
    { title: 'GC/op', cell: ({ gcNs }) => (gcNs === undefined ? undefined : formatNanoseconds(gcNs)) },
  ]
}

/** The figures behind a chart, one row a case and file; columns that no case fills are left out. */
export function resultTable(cases: readonly ComparedCase[], unit: BenchUnit, caption: string): string {
  const measured = cases.flatMap(({ results }) => results.filter((result) => result !== undefined))
  const columns = columnsFor(unit).filter(({ cell }) => measured.some((result) => cell(result) !== undefined))
  const many = (cases[0]?.results.length ?? 1) > 1
  const rows = cases.map(({ name, results }) => {
    const present = results.flatMap((result, index) => (result === undefined ? [] : [{ result, index }]))
    return present
      .map(({ result, index }, row) => {
        const head = row === 0 ? `<th scope="row"${present.length > 1 ? ` rowspan="${present.length}"` : ''}>${escape(name)}</th>` : ''
        const letter = many ? `<td>${letterOf(index)}</td>` : ''
        return `<tr>${head}${letter}${columns.map(({ cell }) => `<td>${escape(cell(result) ?? '')}</td>`).join('')}</tr>`
      })
      .join('\n')
  })
  const titles = ['case', ...(many ? ['file'] : []), ...columns.map(({ title }) => title)]
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(caption)}"><table><caption>${escape(caption)}</caption>
<thead><tr>${titles.map((title) => `<th scope="col">${escape(title)}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`
}
