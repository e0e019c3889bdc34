import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import type { BenchReport } from '../../../packages/bench/dist/index.js'
import { benchFiles, chooseBenches } from '../../../benchmarks/dist/cli/bench-files.js'
import { TOUR } from '../../../benchmarks/dist/cli/tour.js'

const benchmarks = path.resolve(import.meta.dirname, '../../../benchmarks')
const folder = mkdtempSync(path.join(tmpdir(), 'knotty-bench-command-'))
after(() => rmSync(folder, { recursive: true }))

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [path.join(benchmarks, 'dist/cli/bench.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function run(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = ''
  let stderr = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}

/** The processes whose parent, or that one's parent, is the process (Linux). */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      parents.set(Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]))
    } catch {
      // It has ended meanwhile.
    }
  }
  const isBelow = (each: number | undefined): boolean => each !== undefined && (parents.get(each) === pid || isBelow(parents.get(each)))
  return [...parents.keys()].filter(isBelow)
}

describe('npm run bench', () => {
  test('runs what the filters choose and ends with a table, a file of results and a page', async () => {
    const file = path.join(folder, 'out', 'results.json')
    const { code, stdout, stderr } = await run(start('--filter', 'no prepender', '--quick', '--rounds', '1', '--json', file))
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^1 benchmark, about \d+ s when nothing else runs$/m)
    assert.match(stdout, /^micro\/codec\/prependers\n {2}no prepender +[\d.]+ ns/m)
    assert.ok(stdout.includes(`results: ${file}\nreport:  ${path.join(folder, 'out', 'results.html')}\n`))
    const report = JSON.parse(readFileSync(file, 'utf8')) as BenchReport
    assert.deepEqual([report.schema, report.results.map((result) => result.case)], [1, ['no prepender']])
    assert.match(readFileSync(path.join(folder, 'out', 'results.html'), 'utf8'), /no prepender/)
  })

  test('an unknown option, and a filter that matches nothing, give one line and exit code 2', async () => {
    for (const [args, message] of [
      [['--filtre', 'x'], /--filtre/],
      [['no-such-word'], /no benchmark and no case matches no-such-word/],
      [['--rounds', '0'], /1 to 9999/],
      [['--filter', 'no such thing'], /no benchmark and no case matches no such thing/],
    ] as const) {
      const { code, stdout, stderr } = await run(start(...args))
      assert.deepEqual([code, stdout, stderr.trim().split('\n').length], [2, '', 1], stderr)
      assert.match(stderr, message)
    }
  })

  test('--help explains each option', async () => {
    const { code, stdout } = await run(start('--help'))
    assert.equal(code, 0)
    for (const option of ['filter', 'quick', 'rounds', 'json', 'list', 'help']) assert.match(stdout, new RegExp(`^ {2}--${option}\\b`, 'm'))
  })

  test('the tour names programs and cases that exist', async () => {
    const toured = new Set(TOUR.map(([name]) => name))
    const files = benchFiles(benchmarks).filter(({ name }) => toured.has(name))
    const benches = await chooseBenches(files, [], ({ name }, error) => assert.fail(`${name}: ${error.message}`))
    for (const [name, cases = []] of TOUR) {
      const bench = benches.find((each) => each.name === name)
      assert.ok(bench !== undefined, `${name} does not exist`)
      for (const each of cases) assert.ok(bench.cases.includes(each), `${name} has no case ${each}`)
    }
  })

  test('Ctrl-C prints one line and leaves no process behind', { skip: existsSync('/proc/self/stat') ? false : 'reads /proc' }, async () => {
    const child = start('--filter', 'byte-buf')
    const all = run(child)
    // The command, the bench program, and the process of its case.
    let below: number[] = []
    await eventually(() => {
      below = descendants(child.pid!)
      assert.ok(below.length >= 2)
    }, 30_000)
    child.kill('SIGINT')
    const { code, stderr } = await all
    assert.equal(code, 130)
    assert.deepEqual(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('[')), ['interrupted by SIGINT: what runs is ended, nothing is written'])
    await eventually(() => assert.deepEqual(below.filter((pid) => existsSync(`/proc/${pid}`)), []))
  })
})
