// npm run bench [-- --filter WORD …]: see HELP.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import type { BenchResult } from '@knotty/bench'
import { machineLine, reportOf } from '../harness/machine.js'
import { endPrograms } from '../harness/processes.js'
import { parseRounds, UsageError } from '../../../packages/bench/dist/run-options.js'
import { type BenchFile, benchFiles, type ChosenBench, chooseBenches } from './bench-files.js'
import { writeReport } from './report.js'
import { runBench } from './run-bench.js'
import { StepLine } from './step-line.js'
import { summaryTable } from './summary.js'
import { tourOf } from './tour.js'

const BENCHMARKS = path.resolve(import.meta.dirname, '../..')
const DEFAULT_ROUNDS = 5
const QUICK_ROUNDS = 3
/** A full case takes so much longer than a quick one of the same number of rounds. */
const FULL_FACTOR = 2

const HELP = `npm run bench [-- OPTIONS]

Without options: a tour of about three minutes through chosen benchmarks, in short runs. With --filter: all that match, in full.
Ends with a table; the figures go into a file of JSON, and into a page to look at, in benchmarks/results.

  --filter WORD   only benchmarks with WORD in their path (micro/codec/framers), or cases with WORD in their name; may be given
                  several times, for the one or the other. A WORD alone does the same
  --quick         short runs, three rounds: to try something out; the tour always is
  --rounds N      so many rounds of each case, interleaved with those it is compared with (${DEFAULT_ROUNDS}, with --quick ${QUICK_ROUNDS})
  --json FILE     write the results to FILE, and the page beside it with .html
  --list          print the benchmarks and their cases, and measure nothing
  --help          this text

Examples
  npm run bench
  npm run bench -- --filter pipeline --json out.json
  npm run bench -- --filter framers --filter prependers --quick
  npm run bench -- --filter framed-echo --rounds 9
  npm run bench:compare -- HEAD~3 . --filter framers      two states of the code against each other

Figures depend on the machine and the moment: end what else runs, and trust ratios of one run alone.`

interface Options {
  readonly filter: readonly string[]
  readonly quick: boolean
  readonly rounds: number | undefined
  readonly json: string | undefined
  readonly list: boolean
  readonly help: boolean
}

function parse(): Options {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true, // `npm run bench -- framers`
      options: {
        filter: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        rounds: { type: 'string' },
        json: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const { filter = [], quick = false, rounds, json, list = false, help = false } = values
    return { filter: [...filter, ...positionals], quick, rounds: rounds === undefined ? undefined : parseRounds(rounds), json, list, help }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${(error as Error).message.split('. ')[0]} (npm run bench -- --help lists the options)`)
  }
}

/** Measures; gives the exit code. */
async function measure(chosen: readonly ChosenBench[], options: Options, quick: boolean): Promise<number> {
  const rounds = options.rounds ?? (quick ? QUICK_ROUNDS : DEFAULT_ROUNDS)
  const quickSeconds = chosen.reduce((sum, bench) => sum + bench.seconds, 0)
  const seconds = Math.ceil((quickSeconds * (quick ? 1 : FULL_FACTOR) * rounds) / QUICK_ROUNDS)
  const results: BenchResult[] = []
  const failed: string[] = []
  const report = reportOf(`npm run bench ${process.argv.length > 2 ? `-- ${process.argv.slice(2).join(' ')}` : ''}`.trim(), results)
  console.log(machineLine(report.machine))
  console.log(`${chosen.length} ${chosen.length === 1 ? 'benchmark' : 'benchmarks'}, about ${duration(seconds)} when nothing else runs`)
  const line = new StepLine(seconds)
  for (const [index, bench] of chosen.entries()) {
    const where = `${index + 1}/${chosen.length} ${bench.name}`
    line.begin(where)
    const run = await runBench(bench, { quick, rounds, onStep: (step) => line.step(where, step) })
    line.clear()
    for (const skipped of run.skipped) console.log(`skipped: ${bench.name}: ${skipped}`)
    if (run.failure !== undefined) {
      failed.push(bench.name)
      console.error(`failed: ${bench.name}\n${run.failure.replace(/^/gm, '    ')}`)
    }
    results.push(...run.results)
  }
  if (results.length > 0) {
    console.log(`\n${summaryTable(results)}\n`)
    const file = path.resolve(options.json ?? path.join(BENCHMARKS, 'results', `${report.date.slice(0, 19).replaceAll(':', '-')}.json`))
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`)
    const page = `${file.replace(/\.json$/, '')}.html`
    writeReport(report, page)
    console.log(`results: ${file}\nreport:  ${page}`)
  }
  if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`)
  return failed.length > 0 ? 1 : 0
}

function duration(seconds: number): string {
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`
}

async function main(): Promise<number> {
  const options = parse()
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const files = benchFiles(BENCHMARKS)
  const tour = options.filter.length === 0 && !options.list
  let unlisted = 0
  const onFailure = (file: BenchFile, error: Error): void => {
    unlisted++
    console.error(`failed: ${file.name}: ${error.message}`)
  }
  const chosen = tour ? await tourOf(files, onFailure) : await chooseBenches(files, options.filter, onFailure)
  if (chosen.length === 0) {
    throw new UsageError(`no benchmark and no case matches ${options.filter.join(', ')} (npm run bench -- --list names all)`)
  }
  if (options.list) for (const { name, cases } of chosen) console.log([name, ...cases.map((each) => `    ${each}`)].join('\n'))
  const code = options.list ? 0 : await measure(chosen, options, options.quick || tour)
  return unlisted > 0 ? 1 : code
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error)
  return error instanceof UsageError ? 2 : 1
})
await endPrograms()
