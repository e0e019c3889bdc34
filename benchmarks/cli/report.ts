// npm run bench:report [-- RESULTS.json … --out FILE]: one HTML page from files of results, by default from the newest one in
// benchmarks/results. Two and more files are compared, the first being what the others are measured against.
import { mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import type { BenchReport } from '@knotty/bench'
import type { NamedReport } from '../report/compared-case.js'
import { readReport } from '../report/read-report.js'
import { reportPage } from '../report/report-page.js'

const RESULTS = path.resolve(import.meta.dirname, '../../results')
const USAGE = `npm run bench:report [-- RESULTS.json … --out FILE]

  RESULTS.json   files written by npm run bench -- --json FILE; the newest in benchmarks/results when none is named.
                 Two and more are shown side by side, each with its ratio to the first.
  --out FILE     where the page goes (default: the name of the first file with .html)
  --help         this text`

/** Writes the page about one run to a file, whose folder is made when it is missing. */
export function writeReport(report: BenchReport, file: string): void {
  writePage([{ name: path.basename(file), report }], file)
}

function writePage(reports: readonly NamedReport[], file: string): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true })
  writeFileSync(file, reportPage(reports))
}

function newestResults(): string {
  let names: string[] = []
  try {
    names = readdirSync(RESULTS).filter((name) => name.endsWith('.json'))
  } catch {
    // No folder: nothing was measured yet.
  }
  const newest = names
    .map((name) => path.join(RESULTS, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    .at(0)
  if (newest === undefined) throw new Error('no results in benchmarks/results: run npm run bench first, or name a file')
  return newest
}

function main(): void {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string' }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const files = positionals.length > 0 ? positionals : [newestResults()]
  const reports = files.map((file) => ({ name: path.basename(file), report: readReport(file) }))
  const out = values.out ?? `${(files[0] as string).replace(/\.json$/, '')}.html`
  writePage(reports, out)
  console.log(`report: ${path.resolve(out)}`)
}

if (realpathSync(process.argv[1] as string) === import.meta.filename) {
  try {
    main()
  } catch (error) {
    console.error(`bench:report: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
