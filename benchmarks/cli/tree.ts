import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { UsageError } from '../../../packages/bench/dist/run-options.js'
import { Program } from '../harness/processes.js'

/** A built tree of Knotty whose benchmarks can be run. */
interface Tree {
  /** As it was asked for. */
  readonly name: string
  /** Its folder `benchmarks`. */
  readonly benchmarks: string
}

/** Installing and building may say nothing for so long. */
const BUILD_MS = 300_000
const ROOT = path.resolve(import.meta.dirname, '../../..')

/**
 * The tree that `name` stands for: a folder that is one, already built, or a git revision of this repository, which is checked out into
 * a temporary folder, set up and built there. Temporary folders are removed when the process ends. A UsageError when it is neither.
 */
export async function openTree(name: string): Promise<Tree> {
  const folder = path.resolve(name)
  if (existsSync(path.join(folder, 'benchmarks', 'package.json'))) return { name, benchmarks: builtBenchmarks(name, folder) }
  if (existsSync(folder)) throw new UsageError(`${name} is a folder without benchmarks/package.json, and so no tree of Knotty`)
  const commit = commitOf(name)
  const checkout = mkdtempSync(path.join(tmpdir(), 'knotty-compare-'))
  process.on('exit', () => rmSync(checkout, { recursive: true, force: true }))
  console.error(`${name}: checking out and building ${commit.slice(0, 12)}`)
  await run(['git', 'clone', '--quiet', '--shared', '--no-checkout', ROOT, checkout], name)
  await run(['git', '-C', checkout, 'checkout', '--quiet', commit], name)
  await run(['npm', 'run', '--silent', 'setup'], name, checkout)
  return { name, benchmarks: builtBenchmarks(name, checkout) }
}

function builtBenchmarks(name: string, folder: string): string {
  const benchmarks = path.join(folder, 'benchmarks')
  if (!existsSync(path.join(benchmarks, 'dist'))) throw new UsageError(`${name} is not built: npm run setup there first`)
  return benchmarks
}

function commitOf(revision: string): string {
  try {
    const args = ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`]
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch (error) {
    throw new UsageError(`${revision} is neither a folder nor a git revision of ${ROOT}`, { cause: error })
  }
}

async function run(command: readonly string[], name: string, cwd?: string): Promise<void> {
  const title = `${name}: ${command.slice(0, 3).join(' ')}`
  const options = { name: title, endSignal: 'SIGTERM', ...(cwd === undefined ? {} : { cwd }) } as const
  await new Program(command, options).end(BUILD_MS)
}
