import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { HOT_PATHS } from '../../../benchmarks/dist/alloc/hot-paths.js'
import { allowed, type Thresholds, thresholdsFor } from '../../../benchmarks/dist/alloc/thresholds.js'

const ALLOC = path.resolve(import.meta.dirname, '../../../benchmarks')
const MAJOR = process.versions.node.split('.')[0] as string
/** An object of four fields is four words and three of its own. */
const OBJECT_BYTES = 7 * 8
const TOLERANCE = { bytes: 400, share: 0.05 }
const skip = process.versions['bun'] === undefined ? false : 'measures the heap of V8'

/** Runs the check with thresholds of our own. */
function check(nodes: Thresholds['nodes'], ...filters: string[]): { status: number | null; stdout: string; stderr: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'knotty-alloc-'))
  try {
    const file = path.join(folder, 'thresholds.json')
    writeFileSync(file, JSON.stringify({ tolerance: TOLERANCE, nodes } satisfies Thresholds))
    return spawnSync(process.execPath, [path.join(ALLOC, 'dist/alloc/check.js'), '--thresholds', file, ...filters], { encoding: 'utf8' })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the check of allocations', { skip }, () => {
  test('measures what is known: nothing, and an object', () => {
    const known = { 'nothing at all': 0, 'an object of four fields': OBJECT_BYTES * 1000 }
    const { status, stdout, stderr } = check({ [MAJOR]: known }, ...Object.keys(known))
    assert.equal(status, 0, stderr)
    const measured = Number(/an object of four fields +(\d+)/.exec(stdout)?.[1])
    assert.ok(Math.abs(measured - OBJECT_BYTES * 1000) < 100, stdout)
  })

  test('fails with path, bytes and threshold when a threshold is set too low', () => {
    const { status, stderr } = check({ [MAJOR]: { 'an object of four fields': 52_000 } }, 'an object of four fields')
    assert.equal(status, 1)
    assert.match(stderr, /^failed: an object of four fields: 5[56]\d{3} heap bytes per 1,000 operations, threshold 52000, with tolerance 54600\n$/)
  })

  test('fails for a path without a threshold', () => {
    const { status, stderr } = check({ [MAJOR]: {} }, 'nothing at all')
    assert.equal(status, 1)
    assert.equal(stderr, `failed: nothing at all: no threshold for Node.js ${MAJOR}: npm run bench:alloc -- --update\n`)
  })

  test('names a Node.js without a row, and takes the highest of the others', () => {
    const { status, stdout } = check({ 1: { 'nothing at all': 0 }, 2: { 'nothing at all': 10 } }, 'nothing at all')
    assert.equal(status, 0)
    assert.ok(stdout.startsWith(`no thresholds for Node.js ${MAJOR}: the highest of all others is taken\n`), stdout)
  })

  test('measures a channel over loopback and leaves no peer behind', () => {
    const name = 'write(msg, null) and its share of a flush: libuv channel over loopback'
    const { status, stderr } = check({ [MAJOR]: { [name]: 100_000 } }, name)
    // What the path must stay below belongs to the committed thresholds: here it is that the peer does not keep the check waiting.
    assert.ok(status === 0 || /must be below/.test(stderr), stderr)
  })
})

describe('thresholds', () => {
  const committed = JSON.parse(readFileSync(path.join(ALLOC, 'alloc/thresholds.json'), 'utf8')) as Thresholds

  test('are committed for every hot path and no other, for each version of Node.js that is supported', () => {
    assert.deepEqual(Object.keys(committed.nodes), ['20', '22', '24', '26'])
    for (const [major, row] of Object.entries(committed.nodes)) {
      assert.deepEqual(Object.keys(row), HOT_PATHS.map(({ name }) => name), `Node.js ${major}`)
    }
  })

  test('allow the larger of so many bytes and such a share', () => {
    assert.equal(allowed(0, TOLERANCE), 400)
    assert.equal(allowed(100_000, TOLERANCE), 105_000)
  })

  test('of an unknown version are the highest of all', () => {
    const { row, known } = thresholdsFor({ tolerance: TOLERANCE, nodes: { 20: { a: 1, b: 5 }, 22: { a: 3 } } }, '99')
    assert.deepEqual({ row, known }, { row: { a: 3, b: 5 }, known: false })
  })
})
