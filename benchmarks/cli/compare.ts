// npm run bench:compare -- OLD NEW: see HELP.
import process from 'node:process'
import { parseArgs } from 'node:util'
import type { BenchReport, BenchResult } from '@knotty/bench'
import { parseRounds, UsageError } from '../../../packages/bench/dist/run-options.js'
import { endPrograms } from '../harness/processes.js'
import { readReport } from '../report/read-report.js'
import { type BenchFile, benchFiles, type ChosenBench, chooseBenches } from './bench-files.js'
import { compareReports, comparePaired, comparisonTable, type ComparedCase } from './comparison.js'
import { runBench } from './run-bench.js'
import { StepLine } from './step-line.js'
import { openTree } from './tree.js'

const DEFAULT_ROUNDS = 5

const HELP = `npm run bench:compare -- OLD NEW [OPTIONS]

Runs the same benchmarks of two states of the code in turn, case by case and round by round, and prints new divided by old: the
median of the rounds, its spread, and "better" or "worse" where the spread does not include 1.

  OLD, NEW        each a git revision (checked out into a temporary folder, set up and built there, removed at the end), or the folder
                  of a tree that is built (. is this one). A tree is measured by its own benchmarks.
                  Two files of results, OLD.json NEW.json, are compared without running anything; what was measured at two
                  different times is not paired, and tells less.
  --filter WORD   only benchmarks with WORD in their path, or cases with WORD in their name; may be given several times
  --rounds N      so many pairs (${DEFAULT_ROUNDS})
  --quick         short runs
  --help          this text

Examples
  npm run bench:compare -- HEAD~1 . --filter framers
  npm run bench:compare -- v0.1.0 main --filter micro --quick
  npm run bench:compare -- before.json after.json`

const NOT_PAIRED = 'Not paired: the two were measured at different times; spread: smallest new to largest old, and the opposite.'

interface Options {
  readonly trees: readonly string[]
  readonly filter: readonly string[]
  readonly rounds: number
  readonly quick: boolean
  readonly help: boolean
}

function parse(): Options {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        filter: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const { filter = [], rounds, quick = false, help = false } = values
    return { trees: positionals, filter, rounds: rounds === undefined ? DEFAULT_ROUNDS : parseRounds(rounds), quick, help }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${(error as Error).message.split('. ')[0]} (npm run bench:compare -- --help lists the options)`)
  }
}

function readResults(file: string): BenchReport {
  try {
    return readReport(file)
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

function compareFiles(old: string, now: string): number {
  const { cases, missing } = compareReports(readResults(old), readResults(now))
  if (cases.length === 0) throw new UsageError(`${old} and ${now} have no case in common`)
  console.log(`${comparisonTable(cases)}\n\n${NOT_PAIRED}`)
  for (const name of missing) console.log(`only in one of them: ${name}`)
  return 0
}

/** The programs and cases that both trees have, as pairs. */
async function pairsOf(trees: readonly string[], filter: readonly string[]): Promise<[ChosenBench, ChosenBench][]> {
  const chosen: ChosenBench[][] = []
  for (const name of trees) {
    const { benchmarks } = await openTree(name)
    const onFailure = (file: BenchFile, error: Error): void => console.error(`left out: ${name}: ${file.name}: ${error.message}`)
    chosen.push(await chooseBenches(benchFiles(benchmarks), filter, onFailure))
  }
  const [old, now] = chosen as [ChosenBench[], ChosenBench[]]
  const pairs = now.flatMap((bench): [ChosenBench, ChosenBench][] => {
    const other = old.find(({ name }) => name === bench.name)
    const cases = bench.cases.filter((each) => other?.cases.includes(each))
    return other === undefined || cases.length === 0 ? [] : [[{ ...other, cases }, { ...bench, cases }]]
  })
  const matching = filter.length > 0 ? ` that matches ${filter.join(', ')}` : ''
  if (pairs.length === 0) throw new UsageError(`${trees.join(' and ')} have no benchmark in common${matching}`)
  return pairs
}

/** One case of two trees; rounds in which one of them fails are told of and end it. */
async function compareCase(
  pair: readonly [ChosenBench, ChosenBench],
  name: string,
  { rounds, quick }: Options,
): Promise<ComparedCase[] | undefined> {
  const results: [BenchResult[], BenchResult[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    // Each goes first in turn, so that neither always finds the machine as the other left it.
    for (const side of (round % 2 === 0 ? [0, 1] : [1, 0]) as (0 | 1)[]) {
      const run = await runBench({ ...pair[side], cases: [name] }, { quick, rounds: 1 })
      if (run.failure !== undefined) {
        console.error(`failed: ${side === 0 ? 'old' : 'new'}: ${pair[side].name}: ${name}\n${run.failure.replace(/^/gm, '    ')}`)
        return undefined
      }
      results[side].push(...run.results)
    }
  }
  const of = (side: 0 | 1, subject: string): BenchResult[] => results[side].filter((result) => result.case === subject)
  const subjects = [...new Set(results[1].map((result) => result.case))]
  return subjects.filter((subject) => of(0, subject).length > 0).map((subject) => comparePaired(of(0, subject), of(1, subject)))
}

/** All pairs fall on the same side of 1 with a chance of 2 / 2^rounds, also where nothing has changed. */
function chanceNote(rounds: number): string {
  if (rounds < 2) return 'One pair tells nothing: --rounds 5 or more.'
  return `new/old: median of ${rounds} pairs. Of cases that did not change, one in ${2 ** (rounds - 1)} is called better or worse by chance.`
}

async function compareTrees(options: Options): Promise<number> {
  const pairs = await pairsOf(options.trees, options.filter)
  const steps = pairs.flatMap((pair) => pair[1].cases.map((name) => ({ pair, name })))
  const line = new StepLine(undefined)
  const compared: ComparedCase[] = []
  let failures = 0
  for (const [index, { pair, name }] of steps.entries()) {
    line.begin(`${index + 1}/${steps.length} ${pair[1].name}: ${name}`)
    const cases = await compareCase(pair, name, options)
    line.clear()
    if (cases === undefined) failures++
    else compared.push(...cases)
  }
  if (compared.length > 0) console.log(`${comparisonTable(compared)}\n\n${chanceNote(options.rounds)}`)
  return failures > 0 ? 1 : 0
}

async function main(): Promise<number> {
  const options = parse()
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const { trees } = options
  if (trees.length !== 2) throw new UsageError(`OLD and NEW are needed, not ${trees.length} names (npm run bench:compare -- --help)`)
  const files = trees.filter((name) => name.endsWith('.json'))
  if (files.length === 1) throw new UsageError('a file of results is compared with another file of results only')
  return files.length === 2 ? compareFiles(trees[0]!, trees[1]!) : compareTrees(options)
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error)
  return error instanceof UsageError ? 2 : 1
})
await endPrograms()
