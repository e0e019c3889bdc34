// Runs the compiled tests under `bun test`, each file in a process of its own, over node:net (the only transport of sockets there),
// and holds the outcome against known-failures.mjs: an unlisted failure fails the run, and so does a listed test or file that
// does not exist; a listed test that passes is reported.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { KNOWN_FAILURES } from './known-failures.mjs'

const TEST_TIMEOUT_MS = 60_000
const FILE_TIMEOUT_MS = 120_000

const tests = path.join(import.meta.dirname, '..')

/** Gives the exit code. */
export function runUnderBun(executable, version, filters) {
  const all = readdirSync(path.join(tests, 'dist'), { recursive: true })
    .filter((name) => name.endsWith('.test.js') && existsSync(path.join(tests, name.replace(/\.js$/, '.ts'))))
  const files = all
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
    .sort()
  if (files.length === 0) {
    console.error(`no test file matches ${filters.join(' ')}`)
    return 1
  }
  const gone = KNOWN_FAILURES.filter((entry) => !all.some((file) => isOf(entry, file))) // whatever the filters are
  const problems = gone.map((entry) => `listed, and there is no such file: ${entry.file}`)
  const total = { passed: 0, listed: 0, notRun: 0, problems, remarks: [] }
  const folder = mkdtempSync(path.join(tmpdir(), 'knotty-bun-'))
  try {
    for (const file of files) runFile(executable, file, path.join(folder, 'report.xml'), total)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const remark of total.remarks) console.log(`# ${remark}`)
  for (const problem of total.problems) console.log(`not ok - ${problem}`)
  console.log(`# bun ${version}: ${total.passed} passed, ${total.listed} failed as listed, ${total.notRun} files or groups not run`)
  console.log(`# ${total.problems.length} failed and are not listed in test/bun/known-failures.mjs, or are listed and gone`)
  return total.problems.length === 0 ? 0 : 1
}

/** True when an entry of known-failures.mjs is about the file: names it, or its folder. */
function isOf(entry, file) {
  return file === entry.file || (entry.file.endsWith('/') && file.startsWith(entry.file))
}

function runFile(executable, file, report, total) {
  const entries = KNOWN_FAILURES.filter((entry) => isOf(entry, file))
  const notRun = entries.filter((entry) => entry.run === false)
  total.notRun += notRun.length
  if (notRun.some((entry) => entry.tests === undefined && entry.match === undefined)) return
  const listed = entries.filter((entry) => entry.run !== false)
  const known = new Set(listed.flatMap((entry) => entry.tests ?? []))
  const maybe = listed.flatMap((entry) => (entry.match === undefined ? [] : [new RegExp(entry.match)]))
  rmSync(report, { force: true })
  const result = spawnSync(
    executable,
    ['test', `--timeout=${TEST_TIMEOUT_MS}`, ...without(notRun), '--reporter=junit', `--reporter-outfile=${report}`, `./dist/${file}`],
    {
      cwd: tests,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: FILE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      env: { ...process.env, KNOTTY_TRANSPORT: 'net', KNOTTY_POISON_SLAB: '1' },
    },
  )
  const outcomes = existsSync(report) ? parseReport(readFileSync(report, 'utf8')) : []
  const before = total.problems.length
  for (const { name, failed } of outcomes) {
    const isKnown = known.delete(name)
    if (!failed) {
      total.passed++
      if (isKnown) total.remarks.push(`listed, and passes: ${file}: ${name}`)
    } else if (isKnown || maybe.some((pattern) => pattern.test(name))) total.listed++
    else total.problems.push(`${file}: ${name}`)
  }
  for (const name of known) total.problems.push(`listed, and there is no such test: ${file}: ${name}`)
  // An error outside of any test, or the end of the process, is in no report.
  const outside = /^\s*[1-9]\d* errors?$/m.test(result.stderr)
  const unexplained = result.status !== 0 && !outcomes.some((outcome) => outcome.failed)
  if (result.error?.code === 'ETIMEDOUT') total.problems.push(`${file}: did not end within ${FILE_TIMEOUT_MS / 1000} s`)
  else if (outside || unexplained) {
    total.problems.push(`${file}: an error outside of its tests (${result.signal ?? `code ${result.status}`})`)
  }
  if (total.problems.length > before) console.log(result.stderr)
  console.log(`${total.problems.length > before ? 'not ok' : 'ok'} - ${file} (${outcomes.length} tests)`)
}

/** Arguments that keep tests from being run. bun matches the names of groups and test, joined by spaces. */
function without(entries) {
  const patterns = entries.flatMap(({ tests: names = [], match }) => [
    ...names.map((name) => `${escape(name.replaceAll(' > ', ' '))}$`),
    ...(match === undefined ? [] : [`.*${match}`]),
  ])
  return patterns.length === 0 ? [] : ['--test-name-pattern', `^(?!${patterns.join('|')})`]
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** The tests of a JUnit report that were run; a name is that of its groups and its own, joined by ` > `. */
function parseReport(xml) {
  return [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)]
    .filter(([, , body = '']) => !body.includes('<skipped'))
    .map(([, attributes, body = '']) => {
      const group = attribute(attributes, 'classname')
      const own = attribute(attributes, 'name')
      return { name: group === '' ? own : `${group} > ${own}`, failed: body.includes('<failure') }
    })
}

function attribute(attributes, name) {
  const text = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? ''
  return text
    .replace(/&#(x?)([0-9a-f]+);/gi, (_, hex, code) => String.fromCodePoint(Number.parseInt(code, hex === '' ? 10 : 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
}
