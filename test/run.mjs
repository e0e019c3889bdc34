// Runs the compiled tests with node:test: lists dist/**/*.test.js itself (neither sh nor Node 20 expands **), refuses a
// compiled test whose source is gone, and hands the rest to `node --test`. Arguments filter by path: `npm test -- vectors`.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import process from 'node:process'

const here = import.meta.dirname
const filters = process.argv.slice(2)
const files = readdirSync(path.join(here, 'dist'), { recursive: true })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  .sort()
const stale = files.filter((name) => !existsSync(path.join(here, name.replace(/\.js$/, '.ts'))))
if (stale.length > 0) {
  console.error(`compiled tests without a source, run npm run clean: ${stale.join(', ')}`)
  process.exit(1)
}
if (files.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`)
  process.exit(1)
}
// Node leaves one core free, which on two is one file at a time; most tests wait for sockets and not for a core.
const concurrency = Math.max(2, availableParallelism())
const result = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--expose-gc',
    '--test',
    '--test-timeout=120000',
    `--test-concurrency=${concurrency}`,
    ...files.map((name) => path.join(here, 'dist', name)),
  ],
  // Every test runs with the read slab and released pooled memory overwritten, so that a view kept by mistake shows 0xDD, and with a
  // leak detector that watches every buffer (KNOTTY_LEAK_DETECTION=disabled npm test to go without).
  { stdio: 'inherit', env: { KNOTTY_LEAK_DETECTION: 'paranoid', ...process.env, KNOTTY_POISON_SLAB: '1' } },
)
process.exit(result.status ?? 1)
