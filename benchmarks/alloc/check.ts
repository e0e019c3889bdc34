// npm run bench:alloc [-- --update] [FILTER …]: measures the hot paths and compares them with thresholds.json. A path that allocates
// more than its threshold and the tolerance fails, with a line that says so. See HELP.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { endPrograms } from '../harness/processes.js'
import { formatTable } from '../harness/statistics.js'
import { HOT_PATHS } from './hot-paths.js'
import { measureHotPath } from './measure-process.js'
import { allowed, type Thresholds, thresholdsFor } from './thresholds.js'

const HELP = `npm run bench:alloc [-- OPTIONS FILTER …]

Heap bytes that the hot paths allocate per 1,000 operations, against the thresholds of this major version of Node.js.

  FILTER              only the paths with one of these words in their name
  --update            measure three times and write the highest figures as thresholds of this major version
  --thresholds FILE   another file of thresholds (default: benchmarks/alloc/thresholds.json)
  --help              this text`

const THRESHOLDS = path.resolve(import.meta.dirname, '../../alloc/thresholds.json')
const UPDATE_ROUNDS = 3

/** Measures all, as many at once as there are cores: bytes do not depend on time. */
async function measureAll(names: readonly string[]): Promise<Map<string, number>> {
  const figures = new Map<string, number>()
  const waiting = [...names]
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) figures.set(name, await measureHotPath(name))
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return figures
}

async function update(file: string, names: readonly string[]): Promise<void> {
  const thresholds: Thresholds = JSON.parse(readFileSync(existsSync(file) ? file : THRESHOLDS, 'utf8'))
  const highest = { ...thresholds.nodes[major()] }
  for (let round = 0; round < UPDATE_ROUNDS; round++) {
    for (const [name, bytes] of await measureAll(names)) highest[name] = round === 0 ? bytes : Math.max(bytes, highest[name] ?? 0)
  }
  const row = Object.fromEntries(HOT_PATHS.flatMap(({ name }) => (highest[name] === undefined ? [] : [[name, highest[name]]])))
  writeFileSync(file, `${JSON.stringify({ ...thresholds, nodes: { ...thresholds.nodes, [major()]: row } }, undefined, 2)}\n`)
  console.log(`thresholds of Node.js ${major()} written: ${file}`)
}

/** Prints every figure beside its threshold; gives the lines of those above theirs. */
async function check(file: string, names: readonly string[]): Promise<string[]> {
  const thresholds: Thresholds = JSON.parse(readFileSync(file, 'utf8'))
  const { row, known } = thresholdsFor(thresholds, major())
  if (!known) console.log(`no thresholds for Node.js ${major()}: the highest of all others is taken`)
  const measured = await measureAll(names)
  const failures: string[] = []
  const rows = HOT_PATHS.filter(({ name }) => names.includes(name)).map(({ name, below }) => {
    const bytes = measured.get(name) as number
    const threshold = row[name]
    if (threshold === undefined) failures.push(`${name}: no threshold for Node.js ${major()}: npm run bench:alloc -- --update`)
    const most = threshold === undefined ? Number.POSITIVE_INFINITY : allowed(threshold, thresholds.tolerance)
    if (bytes > most) failures.push(`${name}: ${bytes} heap bytes per 1,000 operations, threshold ${threshold}, with tolerance ${most}`)
    if (below !== undefined && bytes >= below) failures.push(`${name}: ${bytes} heap bytes per 1,000 operations, must be below ${below}`)
    return [name, String(bytes), String(threshold ?? '-')]
  })
  console.log(formatTable(['heap bytes per 1,000 operations', `Node.js ${process.versions.node}`, 'threshold'], rows))
  return failures
}

function major(): string {
  return process.versions.node.split('.')[0] as string
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      update: { type: 'boolean', default: false },
      thresholds: { type: 'string', default: THRESHOLDS },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const chosen = (name: string): boolean => positionals.length === 0 || positionals.some((word) => name.includes(word))
  const names = HOT_PATHS.map(({ name }) => name).filter(chosen)
  if (names.length === 0) throw new Error(`no hot path has one of these words in its name: ${positionals.join(' ')}`)
  if (values.update) {
    await update(values.thresholds, names)
    return 0
  }
  const failures = await check(values.thresholds, names)
  for (const line of failures) console.error(`failed: ${line}`)
  return failures.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`bench:alloc: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await endPrograms()
}
