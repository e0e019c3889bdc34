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
