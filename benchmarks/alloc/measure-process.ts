import path from 'node:path'
import process from 'node:process'
import { startProgram } from '../harness/processes.js'

/**
 * A young generation of 128 MiB, collected by hand alone; what is compiled is compiled at once and not beside the operations, so
 * that each run does the same.
 */
const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64', '--single-threaded']
const PROGRAM = path.join(import.meta.dirname, 'measure.js')

/** Heap bytes per 1,000 operations of a hot path, measured in a process of its own. */
export async function measureHotPath(name: string): Promise<number> {
  // Without leak detection, poisoned slabs and coverage, which the tests of this repository run with.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(KNOTTY_|NODE_)/.test(key)))
  const child = startProgram([process.execPath, ...FLAGS, PROGRAM, name], { name: `alloc: ${name}`, env, endSignal: 'SIGTERM' })
  const lines = await child.end()
  return Number(lines.at(-1))
}
