import { readFileSync } from 'node:fs'
import type { BenchReport } from '@knotty/bench'

/** A file of results, checked as far as a report relies on it. @throws Error that names the file and what is wrong with it. */
export function readReport(file: string): BenchReport {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file}: ${(cause as Error).message}`, { cause })
  }
  const report = parsed as Partial<BenchReport> | null
  if (report?.schema !== 1) throw new Error(`${file}: no file of results (schema: ${String(report?.schema)}, expected: 1)`)
  if (!Array.isArray(report.results) || report.machine === undefined || typeof report.date !== 'string') {
    throw new Error(`${file}: no file of results (date, machine and results expected)`)
  }
  for (const [index, result] of report.results.entries()) {
    const { bench, case: name, unit, value, samples } = result as Partial<BenchReport['results'][number]>
    const strings = [bench, name, unit].every((text) => typeof text === 'string' && text !== '')
    if (!strings || !Number.isFinite(value) || !Array.isArray(samples)) {
      throw new Error(`${file}: result ${index} lacks one of bench, case, unit, value, samples: ${JSON.stringify(result)}`)
    }
  }
  return report as BenchReport
}
