import { benchSection } from './bench-section.js'
import { compareCases, type ComparedCase, letterOf, type NamedReport } from './compared-case.js'
import { escape } from './escape.js'
import { formatNumber } from './figures.js'
import { isReached, ratiosOf, ratioText, targetMarks } from './ratio-chips.js'
import { STYLE } from './theme.js'

const GROUPS: Readonly<Record<string, string>> = {
  micro: 'Micro: one operation, in memory',
  macro: 'Macro: server and load in processes of their own, over loopback',
  alloc: 'Allocation: heap bytes per 1,000 operations',
  scaling: 'Scaling: what an operation costs as the load grows',
}

/**
 * One HTML page about the results of one or more files, which it names A, B, … when there are more: whole in itself, without a
 * script, and without anything fetched from elsewhere.
 */
export function reportPage(reports: readonly NamedReport[]): string {
  const benches = [...compareCases(reports)]
  const groups = [...new Set([...Object.keys(GROUPS), ...benches.map(([bench]) => groupOf(bench))])]
  const sections = groups.map((group) =>
    benches.filter(([bench]) => groupOf(bench) === group).map(([bench, cases]) => ({ bench, cases, id: idOf(bench) })),
  )
  const links = sections.flat().map(({ bench, id }) => `<li><a href="#${id}">${escape(bench)}</a></li>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Knotty benchmarks, ${escape(dayOf(reports))}</title><style>${STYLE}</style></head>
<body><header><h1>Knotty benchmarks, ${escape(dayOf(reports))}</h1>
${reports.map((named, index) => origin(named, index, reports.length)).join('\n')}
<p class="quiet">A figure is the median of its rounds. Absolute figures move with the machine and the moment: ratios, taken within rounds of one
run, are what counts. A ratio above 1 is better for rates, one below 1 for times and bytes.</p></header>
<nav aria-label="Benchmarks"><ul>${links.join('')}</ul></nav>
${targets(reports)}<main>${sections.map((section, index) => groupSection(groups[index] as string, section)).join('\n')}</main></body></html>
`
}

interface Section {
  readonly bench: string
  readonly cases: readonly ComparedCase[]
  readonly id: string
}

function groupSection(group: string, sections: readonly Section[]): string {
  if (sections.length === 0) return ''
  return `<h2>${escape(GROUPS[group] ?? group)}</h2>\n${sections.map(({ bench, cases, id }) => benchSection(bench, cases, id)).join('\n')}`
}

function groupOf(bench: string): string {
  return bench.split('/')[0] as string
}

function idOf(bench: string): string {
  return bench.replace(/[^a-z0-9-]/gi, '-')
}

function dayOf(reports: readonly NamedReport[]): string {
  return [...new Set(reports.map(({ report }) => report.date.slice(0, 10)))].join(' and ')
}

function origin({ name, report }: NamedReport, index: number, count: number): string {
  const { machine } = report
  const pinned = machine.pinned ? 'server and load on cores of their own' : 'not bound to cores'
  const rows: readonly (readonly [string, string])[] = [
    ['Measured', report.date.replace('T', ' ').replace(/\.\d+Z$/, 'Z')],
    ['Machine', `${machine.cpu}, ${machine.cores} cores, ${formatNumber(machine.memoryGiB)} GiB, ${machine.os}, ${pinned}`],
    ['Node.js', `${machine.node}, V8 ${machine.v8}`],
    ['Commit', machine.commit || 'unknown'],
  ]
  const heading = count > 1 ? `<h2>${letterOf(index)}: ${escape(name)}</h2>` : ''
  return `${heading}<dl>${rows.map(([term, text]) => `<dt>${term}</dt><dd>${escape(text)}</dd>`).join('')}
<dt>Command</dt><dd><code>${escape(report.command)}</code></dd></dl>`
}

/** Every ratio of the first file that has a target, with what was reached: what most readers come for. */
function targets([first]: readonly NamedReport[]): string {
  const named = ratiosOf(first?.report.results ?? []).filter(({ ratio }) => ratio.must !== undefined || ratio.goal !== undefined)
  if (named.length === 0) return ''
  const musts = named.filter(({ ratio }) => ratio.must !== undefined)
  const goals = named.filter(({ ratio }) => ratio.goal !== undefined)
  const count = (all: typeof named, key: 'must' | 'goal'): string =>
    `${all.filter((one) => isReached(one, one.ratio[key] as number)).length} of ${all.length}`
  const rows = named.map(
    (one) => `<tr><td class="text">${escape(one.result.bench)}: ${escape(one.result.case)}</td>
<td class="text">${ratioText(one)}</td><td class="text">${targetMarks(one)}</td></tr>`,
  )
  return `<section><h2>Targets</h2><p>Musts reached: <b>${count(musts, 'must')}</b>. Goals reached: <b>${count(goals, 'goal')}</b>.</p>
<table class="targets"><thead><tr><th scope="col" class="text">case</th><th scope="col" class="text">ratio, and its range over the rounds</th>
<th scope="col" class="text">targets</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></section>\n`
}
