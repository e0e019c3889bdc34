import type { BenchRatio, BenchResult } from '@knotty/bench'
import { nameBeside } from './compared-case.js'
import { escape } from './escape.js'
import { formatNumber, formatRatio, higherIsBetter } from './figures.js'

/** A ratio with the result it belongs to. */
export interface NamedRatio {
  readonly result: BenchResult
  readonly ratio: BenchRatio
}

export function ratiosOf(results: readonly BenchResult[]): readonly NamedRatio[] {
  return results.flatMap((result) => (result.ratios ?? []).map((ratio) => ({ result, ratio })))
}

/** Whether the median of the ratio reaches a target: at least it for rates, at most it for times and bytes. */
export function isReached({ result, ratio }: NamedRatio, target: number): boolean {
  return higherIsBetter(result.unit) ? ratio.median >= target : ratio.median <= target
}

/** **1.93 ×** Netty (1.83 to 2.07). */
export function ratioText({ ratio, result }: NamedRatio): string {
  const spread = `(${formatRatio(ratio.min)} to ${formatRatio(ratio.max)})`
  return `<b>${formatRatio(ratio.median)} ×</b> ${escape(nameBeside(ratio.to, result.case))} <span class="quiet">${spread}</span>`
}

/** What was reached of must and goal, by words and shape as well as colour. */
export function targetMarks(named: NamedRatio): string {
  const { must, goal } = named.ratio
  const marks: string[] = []
  if (must !== undefined) marks.push(targetMark('must', must, isReached(named, must), named))
  if (goal !== undefined) marks.push(targetMark('goal', goal, isReached(named, goal), named))
  return marks.join(' ')
}

function targetMark(name: string, target: number, reached: boolean, { result }: NamedRatio): string {
  const bound = `${higherIsBetter(result.unit) ? '≥' : '≤'} ${formatNumber(target)}`
  return reached ? `<span class="reached">✓ ${name} ${bound} reached</span>` : `<span class="missed">✗ ${name} ${bound} not reached</span>`
}

/** The ratios of some results as a list of chips; empty when there are none. */
export function ratioChips(results: readonly BenchResult[]): string {
  const chips = ratiosOf(results).map((named) => {
    return `<li class="chip">${escape(named.result.case)}: ${ratioText(named)} ${targetMarks(named)}</li>`
  })
  return chips.length === 0 ? '' : `<ul class="chips" aria-label="Ratios">${chips.join('\n')}</ul>`
}
