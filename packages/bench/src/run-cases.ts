import process from 'node:process'
import type { BenchRatio, BenchResult, BenchUnit, LatencyPercentiles } from './bench-result.js'
import { formatResults } from './format-results.js'
import { ProgramError, unlessInterrupted } from './program.js'
import { Progress } from './progress.js'
import { chosenNames, parseRunOptions, RUN_HELP, type RunOptions, UsageError } from './run-options.js'
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
interface RatioTo {
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
    const names = chosenNames(program.bench, program.cases.map(({ name }) => name), options.cases)
    cases = program.cases.filter(({ name }) => names.includes(name))
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

/** Measures the cases one after another, and prints what came out, as the options say; gives the exit code. */
export async function measureCases(bench: string, cases: readonly BenchCase[], options: RunOptions): Promise<number> {
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

const fullName = (each: BenchCase, subject: string): string => [each.name, subject].filter((name) => name !== '').join(': ')

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
        console.error(`failed: ${bench}: ${name}: ${told(error)}`)
      }
    }
  }
  const measured = [...figures].map(([subject, rounds]) =>
    resultOf(bench, fullName(each, subject.name), subject, rounds, ratiosOf(each, subject, figures)),
  )
  return { measured, failed }
}

/** What went wrong: of a program, what it said; of all else, where it was thrown. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof ProgramError ? error.message : (error.stack ?? error.message)
}

function ratiosOf(each: BenchCase, subject: BenchSubject, figures: ReadonlyMap<BenchSubject, readonly RoundFigure[]>): BenchRatio[] {
  const ratios: BenchRatio[] = []
  const samples = samplesOf(figures.get(subject)!)
  for (const { to, must, goal } of subject.ratios ?? []) {
    const other = [...figures].find(([{ name }]) => name === to)?.[1]
    if (other === undefined) continue
    const limits = { ...(must === undefined ? {} : { must }), ...(goal === undefined ? {} : { goal }) }
    ratios.push({ to: fullName(each, to), ...ratioSpread(samples, samplesOf(other)), ...limits })
  }
  return ratios
}

const samplesOf = (rounds: readonly RoundFigure[]): number[] => rounds.map(({ value }) => value)

/** The rounds of a case as one result. */
export function resultOf(
  bench: string,
  name: string,
  subject: Pick<BenchSubject, 'unit' | 'note'>,
  rounds: readonly RoundFigure[],
  ratios: readonly BenchRatio[] = [],
): BenchResult {
  const samples = samplesOf(rounds)
  const value = median(samples)
  const { latency } = rounds.find((round) => round.value === value)!
  const heap = rounds.flatMap(({ heapBytes }) => heapBytes ?? [])
  const gc = rounds.flatMap(({ gcNs }) => gcNs ?? [])
  const note = subject.note ?? rounds.findLast((round) => round.note !== undefined)?.note
  return {
    bench,
    case: name,
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
