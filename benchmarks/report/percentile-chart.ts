import type { BenchResult, LatencyPercentiles } from '@knotty/bench'
import { caseGroups } from './case-groups.js'
import { type ComparedCase, letterOf } from './compared-case.js'
import { escape } from './escape.js'
import { formatNanoseconds } from './figures.js'
import { logScale, percent, type Scale } from './scale.js'
import { MARKS } from './theme.js'

const HEIGHT = 26
const MIDDLE = HEIGHT / 2
/** A clock reads zero for what is faster than its step; a logarithmic axis needs something. */
const LEAST_NANOSECONDS = 1

const SHAPES: Readonly<Record<'p99' | 'p999', string>> = {
  p99: `M0 ${MIDDLE - 6}L6 ${MIDDLE}L0 ${MIDDLE + 6}L-6 ${MIDDLE}Z`,
  p999: `M0 ${MIDDLE - 6}L6 ${MIDDLE + 5}L-6 ${MIDDLE + 5}Z`,
}

/**
 * A strip a case on one logarithmic axis of time: a line from the fastest to the slowest operation, a box from p25 to p75 with a
 * bar at p50, a diamond at p99, a triangle at p99.9. Empty when no case has percentiles.
 */
export function percentileChart(cases: readonly ComparedCase[]): string {
  const shown = cases.filter(({ results }) => results.some((result) => result?.latency !== undefined))
  if (shown.length === 0) return ''
  const all = shown.flatMap(({ results }) => results.flatMap((result) => (result?.latency === undefined ? [] : [result.latency])))
  const scale = logScale(
    Math.max(LEAST_NANOSECONDS, Math.min(...all.map(({ min }) => min))),
    Math.max(LEAST_NANOSECONDS * 10, ...all.map(({ max }) => max)),
  )
  return `<figure><figcaption><strong>Latency of single operations</strong>, logarithmic, lower is better.</figcaption>
<ul class="key">${keyEntry(`<line class="whisker" x1="0" x2="16" y1="13" y2="13"/>`, 'fastest to slowest')}
${keyEntry(`<rect class="m0" width="16" height="12" y="7"/><line class="middle" x1="8" x2="8" y1="5" y2="21"/>`, 'p25, p50, p75')}
${keyEntry(mark('p99', 8), 'p99')}${keyEntry(mark('p999', 8), 'p99.9')}</ul>
${caseGroups(shown, (compared) => caseStrips(compared, scale))}
<div class="bar"><span></span>${axis(scale)}</div></figure>`
}

function caseStrips({ results }: ComparedCase, scale: Scale): string {
  const strips = results.map((result, index) => (result?.latency === undefined ? '' : strip(result, result.latency, index, results.length, scale)))
  return strips.join('')
}

function strip(result: BenchResult, latency: LatencyPercentiles, index: number, files: number, scale: Scale): string {
  const at = (value: number): string => percent(scale.at(Math.max(LEAST_NANOSECONDS, value)))
  const width = scale.at(Math.max(LEAST_NANOSECONDS, latency.p75)) - scale.at(Math.max(LEAST_NANOSECONDS, latency.p25))
  const said = `p50 ${formatNanoseconds(latency.p50)} · p99 ${formatNanoseconds(latency.p99)} · p99.9 ${formatNanoseconds(latency.p999)}`
  const letter = files > 1 ? `${letterOf(index)}: ` : ''
  return `<div class="latency"><svg role="img" aria-label="${escape(`${result.case}: ${said}`)}" height="${HEIGHT}">
<rect class="track" y="3" width="100%" height="${HEIGHT - 6}" rx="2"/>
<line class="whisker" x1="${at(latency.min)}" x2="${at(latency.max)}" y1="${MIDDLE}" y2="${MIDDLE}"/>
<rect class="m${index % MARKS}" x="${at(latency.p25)}" y="7" width="${percent(Math.max(0.003, width))}" height="12"/>
<line class="middle" x1="${at(latency.p50)}" x2="${at(latency.p50)}" y1="4" y2="${HEIGHT - 4}"/>
<svg class="at" x="${at(latency.p99)}">${mark('p99', 0)}</svg><svg class="at" x="${at(latency.p999)}">${mark('p999', 0)}</svg></svg>
<span class="value quiet">${letter}${escape(said)}</span></div>`
}

function mark(name: 'p99' | 'p999', x: number): string {
  return `<path class="${name === 'p99' ? 'm1' : 'm3'} point" transform="translate(${x} 0)" d="${SHAPES[name]}"/>`
}

function keyEntry(drawing: string, text: string): string {
  return `<li><svg aria-hidden="true" viewBox="0 0 16 ${HEIGHT}">${drawing}</svg>${text}</li>`
}

/** The ends are named, and what between them has room on a narrow screen. */
function axis(scale: Scale): string {
  const last = scale.ticks.length - 1
  let named = 0
  const labels = scale.ticks.map((tick, index) => {
    const at = scale.at(tick)
    const x = percent(at)
    const line = `<line class="axis" x1="${x}" x2="${x}" y1="0" y2="5"/>`
    const end = index === 0 || index === last
    if (!end && (at - named < 0.17 || at > 0.8)) return line
    named = at
    const anchor = index === 0 ? 'start' : index === last ? 'end' : 'middle'
    return `${line}<text x="${x}" y="18" text-anchor="${anchor}">${formatNanoseconds(tick)}</text>`
  })
  return `<svg aria-hidden="true" height="22"><line class="axis" x1="0" x2="100%" y1="0" y2="0"/>${labels.join('')}</svg>`
}
