import process from 'node:process'
import type { BenchRatio, BenchResult, BenchUnit, LatencyPercentiles } from './bench-result.js'
import { formatResults } from './format-results.js'
import { unlessInterrupted } from './program.js'
import { Progress } from './progress.js'
import { parseRunOptions, RUN_HELP, type RunOptions, UsageError } from './run-options.js'
import { median, ratioSpread } from './statistics.js'

/** What one round of a subject gave. */
export interface RoundFigure {
  readonly value: number
  readonly latency?: LatencyPercentiles
  readonly heapBytes?: number
  readonly gcNs?: number
  readonly note?: string
}

/** What the measuring function of a subject is told. */
export interface Round {
  /** From 0. */
  readonly index: number
  /** Whether the run shall be short. */
  readonly quick: boolean
}

/** A ratio that is to be printed: this subject's figure to that of another subject of its case. */
export interface RatioTo {
  /** The name of the other subject. */
  readonly to: string
  readonly must?: number
  readonly goal?: number
}

/** One of the things that a case measures in turn, round after round: a server, a variant. */
export interface BenchSubject {
  /** Unique in its case; empty when it is the only one. */
  readonly name: string
  readonly unit: BenchUnit
  /** Measures one round; a rejection is told, and makes the program exit with 1, after the other subjects. */
  measure(round: Round): Promise<number | RoundFigure>
  readonly ratios?: readonly RatioTo[]
  /** Why it cannot be measured here, when it cannot. */
  readonly skipped?: string | undefined
  readonly note?: string
}

/** A case: its subjects are measured in the same rounds, so that their ratios count. */
export interface BenchCase {
  /** What `--case` takes. */
  readonly name: string
  readonly subjects: readonly BenchSubject[]
}

/** A bench program. */
export interface BenchProgram {
  /** Its path without `.bench`: `macro/framed-echo`. */
  readonly bench: string
  /** About how long a quick run of all cases takes. */
  readonly seconds: number
  readonly cases: readonly BenchCase[]
}

/**
 * Runs a bench program as its command line says: `--list`, `--case`, `--quick`, `--rounds`, `--json`. The promise gives the exit
 * code: 1 when a subject failed, 2 for a mistake on the command line; it does not reject.
 */
export async function runCases(program: BenchProgram, args: readonly string[] = process.argv.slice(2)): Promise<number> {
  let options: RunOptions
  let cases: readonly BenchCase[]
  try {
    options = parseRunOptions(args)
    cases = chosenCases(program, options.cases)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(error.message)
    return 2
  }
  if (options.help) console.log(`Measures ${program.bench}, about ${program.seconds} s with --quick.\n\n${RUN_HELP}`)
  else if (options.list) console.log(JSON.stringify({ cases: cases.map(({ name }) => name), seconds: program.seconds }))
  else return measureCases(program.bench, cases, options)
  return 0
}

/** The cases of these names, all when there are none. */
function chosenCases(program: BenchProgram, names: readonly string[]): readonly BenchCase[] {
  for (const name of names) {
    if (program.cases.some((each) => each.name === name)) continue
    const known = program.cases.map((each) => JSON.stringify(each.name)).join(', ')
    throw new UsageError(`${program.bench} has no case ${JSON.stringify(name)}, only ${known}`)
  }
  return names.length === 0 ? program.cases : program.cases.filter(({ name }) => names.includes(name))
}

async function measureCases(bench: string, cases: readonly BenchCase[], options: RunOptions): Promise<number> {
  const subjects = cases.reduce((sum, each) => sum + each.subjects.filter(({ skipped }) => skipped === undefined).length, 0)
  const progress = new Progress(subjects * options.rounds)
  const results: BenchResult[] = []
  let code = 0
  for (const each of cases) {
    const { measured, failed } = await measureCase(bench, each, options, progress)
    if (failed) code = 1
    results.push(...measured)
    progress.clear()
    for (const { name, skipped } of each.subjects) {
      if (skipped !== undefined) console.log(`skipped: ${fullName(each, name)}: ${skipped}`)
    }
    if (options.json) for (const result of measured) console.log(JSON.stringify(result))
  }
  if (!options.json && results.length > 0) console.log(formatResults(results))
  return code
}

const fullName = (each: BenchCase, subject: string): string => (subject === '' ? each.name : `${each.name}: ${subject}`)

/** All rounds of a case. A subject that fails once is left out from then on. */
async function measureCase(
  bench: string,
  each: BenchCase,
  options: RunOptions,
  progress: Progress,
): Promise<{ measured: BenchResult[]; failed: boolean }> {
  const figures = new Map<BenchSubject, RoundFigure[]>()
  for (const subject of each.subjects) if (subject.skipped === undefined) figures.set(subject, [])
  let failed = false
  for (let index = 0; index < options.rounds; index++) {
    for (const [subject, rounds] of figures) {
      const name = fullName(each, subject.name)
      progress.step(`${bench}: ${name}`)
      try {
        const figure = await subject.measure({ index, quick: options.quick })
        rounds.push(typeof figure === 'number' ? { value: figure } : figure)
      } catch (error) {
        await unlessInterrupted()
        failed = true
        figures.delete(subject)
        progress.clear()
        console.error(`failed: ${bench}: ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      }
    }
  }
  return { measured: [...figures].map(([subject, rounds]) => resultOf(bench, each, subject, rounds, figures)), failed }
}

function resultOf(
  bench: string,
  each: BenchCase,
  subject: BenchSubject,
  rounds: readonly RoundFigure[],
  all: ReadonlyMap<BenchSubject, readonly RoundFigure[]>,
): BenchResult {
  const samples = rounds.map(({ value }) => value)
  const value = median(samples)
  const { latency } = rounds.find((round) => round.value === value)!
  const heap = rounds.flatMap(({ heapBytes }) => heapBytes ?? [])
  const gc = rounds.flatMap(({ gcNs }) => gcNs ?? [])
  const note = subject.note ?? rounds.findLast((round) => round.note !== undefined)?.note
  const ratios: BenchRatio[] = []
  for (const { to, must, goal } of subject.ratios ?? []) {
    const other = [...all].find(([{ name }]) => name === to)?.[1]
    if (other === undefined) continue
    const limits = { ...(must === undefined ? {} : { must }), ...(goal === undefined ? {} : { goal }) }
    ratios.push({ to: fullName(each, to), ...ratioSpread(samples, other.map((round) => round.value)), ...limits })
  }
  return {
    bench,
    case: fullName(each, subject.name),
    unit: subject.unit,
    value,
    samples,
    ...(latency === undefined ? {} : { latency }),
    ...(heap.length === 0 ? {} : { heapBytes: median(heap) }),
    ...(gc.length === 0 ? {} : { gcNs: median(gc) }),
    ...(ratios.length === 0 ? {} : { ratios }),
    ...(note === undefined ? {} : { note }),
  }
}
