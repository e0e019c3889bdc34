import type { BenchResult, BenchUnit } from '@knotty/bench'
import { caseGroups } from './case-groups.js'
import { type ComparedCase, letterOf } from './compared-case.js'
import { escape } from './escape.js'
import { formatFigure, formatRatio, formatTick, higherIsBetter, rangeOf } from './figures.js'
import { linearScale, percent, type Scale } from './scale.js'
import { MARKS } from './theme.js'

const BAR_HEIGHT = 20

/** Horizontal bars from zero on one scale, whiskers from the lowest to the highest sample, and the figure beside each. */
export function barChart(cases: readonly ComparedCase[], unit: BenchUnit): string {
  const all = cases.flatMap(({ results }) => results.filter((result) => result !== undefined))
  const scale = linearScale(Math.max(...all.map(({ value, samples }) => Math.max(value, rangeOf(value, samples)[1]))))
  const direction = higherIsBetter(unit) ? 'higher is better' : 'lower is better'
  const whiskers = all.some(({ samples }) => samples.length > 1) ? ' Whiskers: lowest to highest round.' : ''
  return `<figure><figcaption><strong>${escape(unit)}</strong>, ${direction}.${whiskers}</figcaption>
${caseGroups(cases, (compared) => caseBars(compared, unit, scale))}</figure>`
}

function caseBars({ results }: ComparedCase, unit: BenchUnit, scale: Scale): string {
  const many = results.length > 1
  const strips = results.map((result, index) => {
    const letter = many ? `<span class="value">${letterOf(index)}</span>` : ''
    if (result === undefined) return `<div class="strip many">${letter}<span class="value quiet">not measured</span></div>`
    const ratio = many && index > 0 ? ratioTo(results[0], result) : ''
    return `<div class="strip${many ? ' many' : ''}">${letter}${bar(result, index, unit, scale)}
<span class="value">${escape(formatFigure(result.value, unit))}${ratio}</span></div>`
  })
  return strips.join('')
}

function bar(result: BenchResult, index: number, unit: BenchUnit, scale: Scale): string {
  const [min, max] = rangeOf(result.value, result.samples)
  const spoken = `${result.case}: ${formatFigure(result.value, unit)}, ${formatTick(min, unit)} to ${formatTick(max, unit)}`
  const y = BAR_HEIGHT / 2
  const from = percent(scale.at(min))
  const to = percent(scale.at(max))
  const whisker =
    max > min
      ? `<line class="whisker" x1="${from}" x2="${to}" y1="${y}" y2="${y}"/>` +
        `<line class="whisker" x1="${from}" x2="${from}" y1="${y - 4}" y2="${y + 4}"/>` +
        `<line class="whisker" x1="${to}" x2="${to}" y1="${y - 4}" y2="${y + 4}"/>`
      : ''
  return `<svg role="img" aria-label="${escape(spoken)}" height="${BAR_HEIGHT}"><rect class="track" width="100%" height="${BAR_HEIGHT}" rx="2"/>
<rect class="m${index % MARKS}" width="${percent(scale.at(result.value))}" height="${BAR_HEIGHT}" rx="2"/>${whisker}</svg>`
}

function ratioTo(first: BenchResult | undefined, result: BenchResult): string {
  if (first === undefined || first.value <= 0) return ''
  return `<span class="quiet">${formatRatio(result.value / first.value)} × A</span>`
}
