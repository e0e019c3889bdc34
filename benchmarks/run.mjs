// npm run bench [-- FILTER …]: runs every benchmark whose path has one of the filters in it, each in a process of its own, one after
// another. Ratios count; absolute times depend on the machine and the moment.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

const here = import.meta.dirname
const filters = process.argv.slice(2)
const files = readdirSync(path.join(here, 'dist'), { recursive: true })
  .filter((name) => name.endsWith('.bench.js'))
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  .sort()
if (files.length === 0) {
  console.error(`no benchmark matches ${filters.join(' ')}`)
  process.exit(1)
}
let failed = 0
for (const name of files) {
  console.log(`\n── ${name.replace(/\.js$/, '')}`)
  const { status } = spawnSync(process.execPath, ['--expose-gc', path.join(here, 'dist', name)], { stdio: 'inherit' })
  if (status !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
