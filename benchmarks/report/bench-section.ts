import type { BenchResult, BenchUnit } from '@knotty/bench'
import { barChart } from './bar-chart.js'
import { type ComparedCase, letterOf } from './compared-case.js'
import { type Curve, curveChart } from './curve-chart.js'
import { escape } from './escape.js'
import { percentileChart } from './percentile-chart.js'
import { ratioChips } from './ratio-chips.js'
import { resultTable } from './result-table.js'
import { findSeries, type Series } from './series.js'

/** The charts, tables, ratios and notes of one benchmark: a chart for each unit, curves apart from the cases that are no curve. */
export function benchSection(bench: string, cases: readonly ComparedCase[], id: string): string {
  const units = [...new Set(cases.map((compared) => firstOf(compared).unit))]
  const charts = units.flatMap((unit) => unitCharts(bench, cases.filter((compared) => firstOf(compared).unit === unit), unit))
  // Of the first file only: a ratio belongs to the run it was measured in, and the others are told by the bars.
  const ratios = ratioChips(cases.flatMap(({ results }) => results[0] ?? []))
  return `<section class="bench"><h3 id="${id}">${escape(bench.split('/').slice(1).join('/') || bench)}</h3>
${charts.join('\n')}${percentileChart(cases)}${ratios}${notes(cases)}</section>`
}

function unitCharts(bench: string, cases: readonly ComparedCase[], unit: BenchUnit): string[] {
  const byResult = new Map<BenchResult, ComparedCase>(cases.map((compared) => [firstOf(compared), compared]))
  const ofResults = (results: readonly BenchResult[]): ComparedCase[] => results.map((result) => byResult.get(result) as ComparedCase)
  const { series, rest } = findSeries([...byResult.keys()])
  const charts: string[] = []
  for (const axis of new Set(series.map((one) => one.axis))) {
    const together = series.filter((one) => one.axis === axis)
    const shown = ofResults(together.flatMap(({ points }) => points.map(({ result }) => result)))
    charts.push(curveChart(together.flatMap((one) => curvesOf(one, byResult)), axis, unit))
    charts.push(resultTable(shown, unit, `${bench}: ${unit} against ${axis}`))
  }
  if (rest.length > 0) {
    charts.push(barChart(ofResults(rest), unit))
    charts.push(resultTable(ofResults(rest), unit, `${bench}: ${unit}`))
  }
  return charts
}

/** One curve a file, over the points the file has. */
function curvesOf(series: Series, byResult: ReadonlyMap<BenchResult, ComparedCase>): Curve[] {
  const files = byResult.values().next().value?.results.length ?? 1
  return Array.from({ length: files }, (_, index) => {
    const points = series.points.flatMap(({ at, result }) => {
      const own = byResult.get(result)?.results[index]
      return own === undefined ? [] : [{ at, result: own }]
    })
    return { label: files > 1 ? `${letterOf(index)}: ${series.name}` : series.name, series: { ...series, points } }
  }).filter((curve) => curve.series.points.length > 0)
}

function notes(cases: readonly ComparedCase[]): string {
  const items = cases.flatMap(({ name, results }) => {
    const texts = new Set(results.flatMap((result) => result?.note ?? []))
    return [...texts].map((text) => `<li>${escape(name)}: ${escape(text)}</li>`)
  })
  return items.length === 0 ? '' : `<h4>Notes</h4><ul class="notes">${items.join('')}</ul>`
}

function firstOf({ results }: ComparedCase): BenchResult {
  return results.find((result) => result !== undefined) as BenchResult
}
