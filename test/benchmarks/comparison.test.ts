import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { comparePaired, comparisonTable, verdict } from '../../../benchmarks/dist/cli/comparison.js'

const compareProgram = path.resolve(import.meta.dirname, '../../../benchmarks/dist/cli/compare.js')
const folder = mkdtempSync(path.join(tmpdir(), 'knotty-comparison-'))
after(() => rmSync(folder, { recursive: true }))

interface Result {
  readonly bench: string
  readonly case: string
  readonly unit: 'ns/op' | 'messages/s'
  readonly value: number
  readonly samples: readonly number[]
}

function result(name: string, samples: readonly number[], unit: Result['unit'] = 'ns/op'): Result {
  return { bench: 'micro/x', case: name, unit, value: [...samples].sort((a, b) => a - b)[samples.length >> 1]!, samples }
}

function reportFile(name: string, results: readonly Result[]): string {
  const machine = { cpu: 'any', cores: 2, memoryGiB: 1, os: 'any', node: '20.0.0', v8: '11', commit: '', pinned: false }
  const file = path.join(folder, name)
  writeFileSync(file, JSON.stringify({ schema: 1, date: '2026-11-20T00:00:00.000Z', command: 'npm run bench', machine, results }))
  return file
}

function compare(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compareProgram, ...args], { encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

describe('npm run bench:compare', () => {
  test('pairs are divided round by round, and judged by whether their spread includes 1', () => {
    const rounds = (values: readonly number[], unit?: Result['unit']): Result[] => values.map((value) => result('a', [value], unit))
    const slower = comparePaired(rounds([10, 20, 40]), rounds([11, 23, 46]))
    assert.deepEqual(slower.ratio, { median: 1.15, min: 1.1, max: 1.15 })
    assert.equal(verdict(slower), 'worse')
    assert.equal(verdict(comparePaired(rounds([10, 20], 'messages/s'), rounds([11, 23], 'messages/s'))), 'better')
    assert.equal(verdict(comparePaired(rounds([10, 20]), rounds([9, 21]))), '')
    assert.match(comparisonTable([slower]), /^ {2}a +20\.0 ns +23\.0 ns +1\.15 +1\.10 - 1\.15 +worse$/m)
  })

  test('two files of results are compared without running anything, and said not to be paired', () => {
    const old = reportFile('old.json', [result('same', [10, 12]), result('rate', [100, 110], 'messages/s'), result('gone', [1])])
    const now = reportFile('new.json', [result('same', [11, 12]), result('rate', [200, 220], 'messages/s'), result('added', [1])])
    const { code, stdout, stderr } = compare(old, now)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^ {2}same +12\.0 ns +12\.0 ns +1\.00 +0\.92 - 1\.20$/m)
    assert.match(stdout, /^ {2}rate +110 \/s +220 \/s +2\.00 +1\.82 - 2\.20 +better$/m)
    assert.match(stdout, /Not paired/)
    assert.match(stdout, /only in one of them: micro\/x: added\nonly in one of them: micro\/x: gone/)
  })

  test('what cannot be compared gives one line and exit code 2', () => {
    const one = reportFile('one.json', [result('a', [1])])
    const other = reportFile('other.json', [result('b', [1])])
    const broken = path.join(folder, 'broken.json')
    writeFileSync(broken, '{}')
    for (const [args, message] of [
      [['HEAD'], /OLD and NEW are needed/],
      [[one, 'HEAD'], /another file of results only/],
      [[one, other], /no case in common/],
      [[one, broken], /no file of results/],
      [[one, path.join(folder, 'absent.json')], /ENOENT/],
      [['no-such-revision', '.'], /neither a folder nor a git revision/],
      [[folder, '.'], /no tree of Knotty/],
      [['--rouns', '3'], /--rouns/],
    ] as const) {
      const { code, stdout, stderr } = compare(...args)
      assert.deepEqual([code, stdout, stderr.trim().split('\n').length], [2, '', 1], stderr)
      assert.match(stderr, message)
    }
  })
})
