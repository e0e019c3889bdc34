import type { BenchUnit } from '@knotty/bench'
import { escape } from './escape.js'
import { formatFigure, formatNumber, formatTick, higherIsBetter, rangeOf } from './figures.js'
import { linearScale, logScale, logScaleOver, percent, type Scale } from './scale.js'
import type { Series } from './series.js'
import { MARKS } from './theme.js'

const HEIGHT = 240
/** Room above the highest line and below the lowest for half a line of text. */
const MARGIN = 10
/** Circle, square, triangle, diamond, cross: no curve is told by colour alone. */
const SHAPES = [
  'M-5 0A5 5 0 1 1 5 0A5 5 0 1 1 -5 0Z',
  'M-4.5 -4.5H4.5V4.5H-4.5Z',
  'M0 -6L6 5H-6Z',
  'M0 -6.5L6.5 0L0 6.5L-6.5 0Z',
  'M-6 -2H-2V-6H2V-2H6V2H2V6H-2V2H-6Z',
]

/** From the sixth curve on the colours come again, with other shapes. */
function shapeOf(index: number): string {
  return SHAPES[(index + Math.floor(index / MARKS)) % SHAPES.length] as string
}

/** One curve: a series of one file. */
export interface Curve {
  readonly label: string
  readonly series: Series
}

/** Figures against the number that the cases differ in, both axes logarithmic (the figures' from zero when one of them is zero). */
export function curveChart(curves: readonly Curve[], axis: string, unit: BenchUnit): string {
  const points = curves.flatMap(({ series }) => series.points)
  const places = [...new Set(points.map(({ at }) => at))].sort((a, b) => a - b)
  const figures = points.flatMap(({ result: { value, samples } }) => [value].concat(rangeOf(value, samples)))
  const logarithmic = Math.min(...figures) > 0
  const y = logarithmic ? logScale(Math.min(...figures), Math.max(...figures)) : linearScale(Math.max(...figures, 1))
  const x = logScaleOver(places)
  const direction = higherIsBetter(unit) ? 'higher is better' : 'lower is better'
  const axes = logarithmic ? 'both axes logarithmic' : 'the axis below logarithmic'
  return `<figure><figcaption><strong>${escape(unit)} against ${escape(axis)}</strong>, ${direction}; ${axes}.
Lines up and down: lowest to highest round.</figcaption>
<ul class="key">${curves.map(({ label }, index) => keyEntry(label, index)).join('')}</ul>
<div class="plot"><svg aria-hidden="true" height="${HEIGHT}">${verticalLabels(y, unit)}</svg>
<svg role="img" aria-label="${escape(spoken(curves, unit))}" height="${HEIGHT + 40}">${gridLines(x, y)}
${curves.map(({ series }, index) => drawCurve(series, index, x, y)).join('\n')}
${horizontalLabels(x)}<text x="50%" y="${HEIGHT + 36}" text-anchor="middle">${escape(axis)}</text></svg></div></figure>`
}

function top(share: number): number {
  return Number((MARGIN + (1 - share) * (HEIGHT - 2 * MARGIN)).toFixed(1))
}

function drawCurve({ points }: Series, index: number, x: Scale, y: Scale): string {
  const style = index % MARKS
  const placed = points.map(({ at, result: { value, samples } }) => {
    const [min, max] = rangeOf(value, samples)
    return { left: percent(x.at(at)), top: top(y.at(value)), min: top(y.at(min)), max: top(y.at(max)) }
  })
  const lines = placed.slice(1).map((point, before) => {
    const from = placed[before] as (typeof placed)[number]
    return `<line class="l${style}" x1="${from.left}" y1="${from.top}" x2="${point.left}" y2="${point.top}"/>`
  })
  const marks = placed.map(
    ({ left, top: at, min, max }) =>
      `<line class="whisker" x1="${left}" x2="${left}" y1="${max}" y2="${min}"/>` +
      `<svg class="at" x="${left}" y="${at}"><path class="m${style} point" d="${shapeOf(index)}"/></svg>`,
  )
  return lines.join('') + marks.join('')
}

function gridLines(x: Scale, y: Scale): string {
  const across = y.ticks.map((tick) => `<line class="grid" x1="0" x2="100%" y1="${top(y.at(tick))}" y2="${top(y.at(tick))}"/>`)
  const places = x.ticks.map((tick) => percent(x.at(tick)))
  const up = places.map((left) => `<line class="grid" x1="${left}" x2="${left}" y1="${MARGIN}" y2="${HEIGHT - MARGIN}"/>`)
  return across.join('') + up.join('')
}

function verticalLabels(y: Scale, unit: BenchUnit): string {
  return y.ticks.map((tick) => `<text x="90%" y="${top(y.at(tick)) + 4}" text-anchor="end">${escape(formatTick(tick, unit))}</text>`).join('')
}

/** Numbers too close to the one before are left out: they stand in the table. */
function horizontalLabels(x: Scale): string {
  let last = Number.NEGATIVE_INFINITY
  const labels = x.ticks.map((tick) => {
    const at = x.at(tick)
    if (at - last < 0.11) return ''
    last = at
    return `<text x="${percent(at)}" y="${HEIGHT + 12}" text-anchor="middle">${shortNumber(tick)}</text>`
  })
  return labels.join('')
}

function shortNumber(value: number): string {
  if (value >= 1024 ** 2 && value % 1024 ** 2 === 0) return `${value / 1024 ** 2} Mi`
  if (value >= 4096 && value % 1024 === 0) return `${value / 1024} Ki`
  return formatNumber(value)
}

function keyEntry(label: string, index: number): string {
  const style = index % MARKS
  return `<li><svg aria-hidden="true" viewBox="-8 -8 16 16"><line class="l${style}" x1="-8" x2="8"/>
<path class="m${style} point" d="${shapeOf(index)}"/></svg>${escape(label)}</li>`
}

function spoken(curves: readonly Curve[], unit: BenchUnit): string {
  const texts = curves.map(({ label, series }) => {
    const figures = series.points.map(({ at, result }) => `${at}: ${formatFigure(result.value, unit)}`)
    return `${label}: ${figures.join(', ')}`
  })
  return texts.join('; ')
}
