import type { BenchReport, BenchResult } from '@knotty/bench'

/** A file of results within a page. */
export interface NamedReport {
  readonly name: string
  readonly report: BenchReport
}

/** One case in every file compared, in the order of the files; undefined where a file has it not. */
export interface ComparedCase {
  readonly name: string
  readonly results: readonly (BenchResult | undefined)[]
}

/** `A`, `B`, …: the name of a file within the page. */
export function letterOf(index: number): string {
  return String.fromCharCode(65 + index)
}

/** The results of all files by benchmark, in the order they were first seen. A case measured in two units is two cases. */
export function compareCases(reports: readonly NamedReport[]): ReadonlyMap<string, readonly ComparedCase[]> {
  const benches = new Map<string, Map<string, { name: string; results: (BenchResult | undefined)[] }>>()
  for (const [index, { report }] of reports.entries()) {
    for (const result of report.results) {
      const cases = benches.get(result.bench) ?? new Map<string, { name: string; results: (BenchResult | undefined)[] }>()
      benches.set(result.bench, cases)
      const key = `${result.unit} ${result.case}`
      const compared = cases.get(key) ?? { name: result.case, results: reports.map(() => undefined) }
      cases.set(key, compared)
      compared.results[index] = result
    }
  }
  return new Map([...benches].map(([bench, cases]) => [bench, [...cases.values()]]))
}

/** Cases with the same words before the first colon, which say what was measured: `64 connections: Knotty`, `64 connections: Netty`. */
export interface CaseGroup {
  /** What stands before the colon; empty for cases without one. */
  readonly heading: string
  readonly cases: readonly { readonly label: string; readonly compared: ComparedCase }[]
}

export function groupCases(cases: readonly ComparedCase[]): readonly CaseGroup[] {
  const groups = new Map<string, { label: string; compared: ComparedCase }[]>()
  for (const compared of cases) {
    const [heading, label] = splitName(compared.name)
    const group = groups.get(heading) ?? []
    groups.set(heading, group)
    group.push({ label, compared })
  }
  return [...groups].map(([heading, grouped]) => ({ heading, cases: grouped }))
}

/** The name of a case beside that of another: without the heading that both have. */
export function nameBeside(name: string, other: string): string {
  const [heading, label] = splitName(name)
  return heading === splitName(other)[0] ? label : name
}

function splitName(name: string): readonly [heading: string, label: string] {
  const colon = name.indexOf(': ')
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 2)]
}
