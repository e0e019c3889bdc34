import path from 'node:path'
import process from 'node:process'
import { checkFunction, checkOptions, checkPositiveInteger, IllegalArgumentError, IllegalStateError } from '@knotty/common'
import { formatResults } from './format-results.js'
import { measureCase, type Run } from './measure-case.js'
import { Program } from './program.js'
import { type BenchSubject, measureCases, resultOf, type RoundFigure } from './run-cases.js'
import { chosenNames, parseRunOptions, RUN_HELP, type RunOptions, UsageError } from './run-options.js'

/** Prepares a case in a process of its own and gives the function to be measured, or a promise of it. */
export type Setup = () => Run | Promise<Run>

/** Options of {@link bench}. */
export interface BenchOptions {
  /** Operations that one run makes, by which all figures are divided (1): 64 for a chunk of 64 messages. */
  readonly perRun?: number
  /** Another case of this program to print the ratio to, measured in the same rounds. */
  readonly compareWith?: string
  /** With {@link compareWith}: the ratio that must be reached, at most. */
  readonly must?: number
  /** With {@link compareWith}: the ratio aimed at. */
  readonly goal?: number
  /** What a reader must know, in one sentence. */
  readonly note?: string
}

interface MicroCase {
  readonly name: string
  readonly setup: Setup
  readonly options: BenchOptions
}

/** About how long a case takes with `--quick`, its three rounds. */
const QUICK_CASE_SECONDS = 2.2
/** A case that has said nothing for so long is given up. */
const CASE_MS = 120_000

const HERE_HELP = 'One --case without --rounds is measured in this process, once: for profilers.'

const cases: MicroCase[] = []
let state: 'empty' | 'waiting' | 'started' = 'empty'

/**
 * Adds a case to the bench program that the calling file is. All cases run once the file has been evaluated, each in processes of
 * its own: the file is started again with `--case NAME` and `--expose-gc`.
 *
 *     bench('Buffer.readInt32BE', () => {
 *       const bytes = Buffer.alloc(4)
 *       return () => bytes.readInt32BE(0)
 *     })
 *
 * The process exits with 1 when a case throws (its stack is printed, the other cases are measured). `--help` lists the options.
 *
 * @param name unique within the file
 * @param setup called once a process, the function it gives many times
 */
export function bench(name: string, setup: Setup, options: BenchOptions = {}): void {
  if (typeof name !== 'string' || name === '') {
    throw new IllegalArgumentError(`name: ${String(name)} (expected: a string that is not empty)`)
  }
  checkFunction(setup, 'setup')
  checkOptions(options, 'bench(name, setup, { perRun: 64 })')
  checkPositiveInteger(options.perRun ?? 1, 'perRun')
  if (state === 'started') {
    throw new IllegalStateError(`bench(${JSON.stringify(name)}) came too late: call it while the file is evaluated, and await in setup`)
  }
  if (cases.some((each) => each.name === name)) throw new IllegalArgumentError(`two cases are named ${JSON.stringify(name)}`)
  cases.push({ name, setup, options })
  if (state === 'waiting') return
  state = 'waiting'
  setImmediate(() => {
    state = 'started'
    void main().then((code) => process.stdout.write('', () => process.exit(code)))
  })
}

/** Gives the exit code. */
async function main(): Promise<number> {
  const bench = benchName(process.argv[1]!)
  let options: RunOptions
  let names: readonly string[]
  try {
    options = parseRunOptions(process.argv.slice(2))
    names = chosenNames(bench, cases.map(({ name }) => name), options.cases)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(error.message)
    return 2
  }
  const chosen = cases.filter(({ name }) => names.includes(name))
  if (options.help) console.log(`Measures ${bench}.\n\n${RUN_HELP}\n\n${HERE_HELP}`)
  else if (options.list) console.log(JSON.stringify({ cases: names, seconds: Math.ceil(chosen.length * QUICK_CASE_SECONDS) }))
  else if (options.cases.length === 1 && !options.roundsGiven) return measureHere(bench, chosen[0]!, options)
  else return measureCases(bench, [{ name: '', subjects: chosen.map(childSubject) }], options)
  return 0
}

/** The path behind the folder of compiled files, or the name of the file, without `.bench` and what follows. */
function benchName(file: string): string {
  const [, behind] = /\/dist\/(?!.*\/dist\/)(.+)$/.exec(file.replaceAll('\\', '/')) ?? []
  return (behind ?? path.basename(file)).replace(/(\.bench)?\.[cm]?[jt]s$/, '')
}

/** In this process, once; an error is told with its stack. */
async function measureHere(bench: string, { name, setup, options }: MicroCase, { quick, json }: RunOptions): Promise<number> {
  try {
    const run = await setup()
    if (typeof run !== 'function') throw new TypeError(`setup gave ${typeof run}, not the function to measure`)
    const figure = await measureCase(run, options.perRun ?? 1, quick)
    const result = resultOf(bench, name, { unit: 'ns/op', ...noteOf(options) }, [figure])
    console.log(json ? JSON.stringify(result) : formatResults([result]))
    return 0
  } catch (error) {
    console.error(error)
    return 1
  }
}

/** In a process of its own each round. */
function childSubject({ name, options }: MicroCase): BenchSubject {
  const { compareWith, must, goal } = options
  const limits = { ...(must === undefined ? {} : { must }), ...(goal === undefined ? {} : { goal }) }
  return {
    name,
    unit: 'ns/op',
    measure: ({ quick }) => measureInChild(name, quick),
    ...(compareWith === undefined ? {} : { ratios: [{ to: compareWith, ...limits }] }),
    ...noteOf(options),
  }
}

async function measureInChild(name: string, quick: boolean): Promise<RoundFigure> {
  const flags = process.execArgv.includes('--expose-gc') ? process.execArgv : [...process.execArgv, '--expose-gc']
  const command = [process.execPath, ...flags, process.argv[1]!, '--case', name, '--json', ...(quick ? ['--quick'] : [])]
  const lines = await new Program(command, { name: 'its process' }).end(CASE_MS)
  const line = lines.findLast((text) => text.startsWith('{"bench":'))
  if (line === undefined) throw new Error(`its process printed no result, but: ${lines.join('\n')}`)
  return JSON.parse(line) as RoundFigure
}

const noteOf = ({ note }: BenchOptions): { note?: string } => (note === undefined ? {} : { note })
