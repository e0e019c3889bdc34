import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test } from 'node:test'

const GOOD = { config: {}, chunks: ['7b7d'], expect: [['7b7d']], finish: [] }

/** What a runner prints about a set that has one file, and how it exits. */
function runOther(runner: string, cases: readonly object[]): { status: number | null; output: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'knotty-vectors-'))
  try {
    writeFileSync(path.join(folder, 'json-object-decoder.json'), JSON.stringify({ source: 'another Netty', cases }))
    const env = { ...process.env, KNOTTY_VECTORS: folder }
    // node:test would take the child for one of its own
    delete (env as NodeJS.ProcessEnv)['NODE_TEST_CONTEXT']
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(import.meta.dirname, runner)], { env, encoding: 'utf8' })
    return { status, output: stdout + stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('another set passes that has no listed case, or a good one of its name', () => {
  assert.ok(readFileSync(path.join(import.meta.dirname, '../../../test/vectors/data/json-object-decoder.json'), 'utf8').includes('"random-41"'))
  const { status, output } = runOther('json-object-decoder.test.js', [{ name: 'of its own', ...GOOD }, { name: 'random-41', ...GOOD }])
  assert.match(output, /json-object-decoder: 2 passed, 0 listed, 0 failed, 0 not counted/)
  assert.equal(status, 0, output)
})

test('another set that differs, or is malformed, is told case by case', () => {
  const bad = { ...GOOD, expect: [['7b']] }
  const { status, output } = runOther('json-object-decoder.test.js', [{ name: 'good', ...GOOD }, { name: 'bad', ...bad }, { name: 'malformed' }])
  assert.match(output, /json-object-decoder: 1 passed, 0 listed, 2 failed, 0 not counted/)
  assert.equal(status, 1, output)
})

test('a file that another set has not is skipped', () => {
  const { status, output } = runOther('line-decoder.test.js', [])
  assert.match(output, /line-decoder: 0 passed, 0 listed, 0 failed/)
  assert.equal(status, 0, output)
})
