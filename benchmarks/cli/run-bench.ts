import process from 'node:process'
import type { BenchResult } from '@knotty/bench'
import { Program } from '../harness/processes.js'
import type { ChosenBench } from './bench-files.js'

/** How a bench program is run. */
export interface RunBenchOptions {
  readonly quick: boolean
  /** As the program has it when undefined. */
  readonly rounds?: number | undefined
  /** Called with what the program says it does now: `3/8 length field, 64 B`. */
  readonly onStep?: (step: string) => void
}

/** What came out of one bench program. */
export interface BenchRun {
  readonly results: readonly BenchResult[]
  /** Cases that cannot be measured here, each with the reason. */
  readonly skipped: readonly string[]
  /** What went wrong, when something did; there may be results of other cases. */
  readonly failure: string | undefined
}

/** A program that has said nothing at all for so long, neither results nor progress, is given up. */
const SILENCE_MS = 180_000
const STEP = /^\[(\d+\/\d+)\] (.*)$/

/** Runs a bench program with `--json` and collects its results; does not reject. */
export async function runBench(bench: ChosenBench, options: RunBenchOptions): Promise<BenchRun> {
  const { quick, rounds, onStep } = options
  const cases = bench.cases.flatMap((name) => ['--case', name])
  const more = [...(quick ? ['--quick'] : []), ...(rounds === undefined ? [] : ['--rounds', String(rounds)])]
  const told: string[] = []
  const onStderr = lineReader((line) => {
    const [, count, step] = STEP.exec(line) ?? []
    if (count === undefined) told.push(line)
    else onStep?.(`${count} ${step!.replace(`${bench.name}: `, '')}`)
  })
  let lines: readonly string[] = []
  let failure: string | undefined
  try {
    const command = [process.execPath, '--expose-gc', bench.file, '--json', ...cases, ...more]
    const ended = await new Program(command, { name: bench.name, endSignal: 'SIGTERM', onStderr }).ending(SILENCE_MS)
    lines = ended.lines
    if (ended.code !== 0) failure = told.join('\n').trim() || `${bench.name} ended with exit code ${ended.code}`
  } catch (error) {
    failure = (error as Error).message
  }
  const results = lines
    .filter((line) => line.startsWith('{"bench"'))
    .map((line) => Object.assign(JSON.parse(line) as BenchResult, { bench: bench.name }))
  const skipped = lines.filter((line) => line.startsWith('skipped: ')).map((line) => line.slice('skipped: '.length))
  if (results.length === 0 && skipped.length === 0) failure ??= `${bench.name} printed no result`
  return { results, skipped, failure }
}

/** Cuts text that comes in pieces into lines. */
function lineReader(onLine: (line: string) => void): (text: string) => void {
  let partial = ''
  return (text) => {
    const lines = (partial + text).split('\n')
    partial = lines.pop()!
    lines.forEach(onLine)
  }
}
