// What a bench program that is no microbenchmark ends with: `await runMacro({ bench, seconds, cases })`.
import process from 'node:process'
import { type BenchProgram, runCases } from '../../../packages/bench/dist/run-cases.js'
import { endPrograms } from './processes.js'

export type { BenchCase, BenchProgram, BenchSubject, Round, RoundFigure } from '../../../packages/bench/dist/run-cases.js'

/**
 * Runs the program as its command line says (`--list`, `--case`, `--quick`, `--rounds`, `--json`), ends what is left of its
 * children, and exits: with 0 when every subject was measured or skipped.
 *
 *     await runMacro({
 *       bench: 'macro/framed-echo',
 *       seconds: 20,
 *       cases: [{
 *         name: '64 connections x 64 B x 64 in flight',
 *         subjects: [
 *           { name: 'Knotty', unit: 'messages/s', measure: ({ quick }) => rate(quick ? 0.5 : 2), ratios: [{ to: 'Netty', must: 1.8 }] },
 *           { name: 'Netty', unit: 'messages/s', measure: …, skipped: javaMissing },
 *         ],
 *       }],
 *     })
 */
export async function runMacro(program: BenchProgram): Promise<never> {
  const code = await runCases(program)
  await endPrograms()
  return process.exit(code)
}
