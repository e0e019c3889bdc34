import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { test } from 'node:test'

/** What every case of a vector file has; the rest is the file's own (data/FORMAT.md). */
export interface VectorCase {
  readonly name: string
  /** The behaviour is an accident of Netty: the case may be listed without counting against the 5 %. */
  readonly quirk?: string
}

export interface VectorFile<C extends VectorCase> {
  /** Name without `.json`. */
  readonly file: string
  /** False for a case of a class that is not ported; such a case is neither run nor counted. */
  readonly counts?: (vector: C) => boolean
  /** Cases in which Knotty differs knowingly: name -> reason. Each name also stands in docs/coming-from-netty.md. */
  readonly listed: Readonly<Record<string, string>>
  /** Where a case keeps what Netty printed: any leaf below these keys that is changed must make `run` throw. */
  readonly expectationKeys: readonly string[]
  /** Plays one case and throws (an AssertionError) at the first difference; an unknown operation throws too. */
  readonly run: (vector: C) => void
}

const root = path.resolve(import.meta.dirname, '../../..')
/** Another set of vectors: it need not have every file, nor the cases that are listed by name. */
const otherSet = process.env['KNOTTY_VECTORS']
const folder = otherSet ?? path.join(root, 'test/vectors/data')

/** The listed share of a file's counted cases, quirks apart, may not be larger. */
const MAX_LISTED_SHARE = 0.05

/** Registers the tests of one vector file: all cases, the rules for the listed ones, and that a changed expectation is noticed. */
export function testVectorFile<C extends VectorCase>(options: VectorFile<C>): void {
  const source = path.join(folder, `${options.file}.json`)
  if (otherSet !== undefined && !existsSync(source)) {
    test(`${options.file}: 0 passed, 0 listed, 0 failed`, { skip: `there is no ${source}` }, () => undefined)
    return
  }
  const parsed = JSON.parse(readFileSync(source, 'utf8')) as { source: string; cases: C[] }
  const counted = parsed.cases.filter(options.counts ?? (() => true))
  const isListed = (vector: C): boolean => Object.hasOwn(options.listed, vector.name)

  test(`${options.file}: what ${parsed.source} printed comes out of Knotty too`, (t) => {
    const failures: string[] = []
    let passed = 0
    let listed = 0
    for (const vector of counted) {
      const difference = failureOf(options, vector)
      if (difference === undefined) passed++
      else if (isListed(vector)) listed++
      else failures.push(`${vector.name}${vector.quirk === undefined ? '' : ' (quirk)'}: ${difference}`)
    }
    const left = parsed.cases.length - counted.length
    t.diagnostic(`${options.file}: ${passed} passed, ${listed} listed, ${failures.length} failed, ${left} not counted`)
    assert.ok(passed > 0, 'no case ran')
    assert.deepEqual(failures, [])
  })

  test(`${options.file}: every listed case exists, really differs, is documented, and at most 5 % are listed`, (t) => {
    const guide = readFileSync(path.join(root, 'docs/coming-from-netty.md'), 'utf8')
    let listed = 0
    for (const name of Object.keys(options.listed)) {
      assert.ok(guide.includes(`\`${name}\``), `${name} is listed but not in docs/coming-from-netty.md`)
      const vector = counted.find((candidate) => candidate.name === name)
      const differs = vector !== undefined && failureOf(options, vector) !== undefined
      if (differs && vector.quirk === undefined) listed++
      // a case of the same name in another set may be another one
      if (differs) continue
      const problem = `${name} is listed but ${vector === undefined ? 'not in the file' : 'passes'}`
      if (otherSet === undefined) assert.fail(problem)
      t.diagnostic(problem)
    }
    const share = listed / counted.length
    assert.ok(share <= MAX_LISTED_SHARE, `${(share * 100).toFixed(1)} % of the cases are listed`)
  })

  test(`${options.file}: one changed value in one expectation is noticed, in every case`, () => {
    counted.forEach((vector, index) => {
      if (isListed(vector)) return
      const changed = structuredClone(vector)
      if (!changeOneLeaf(changed, options.expectationKeys, index)) return
      assert.notEqual(failureOf(options, changed), undefined, `${vector.name} passes with a changed expectation`)
    })
  })
}

function failureOf<C extends VectorCase>(options: VectorFile<C>, vector: C): string | undefined {
  try {
    options.run(vector)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

type Leaf = { readonly holder: Record<string, unknown>; readonly key: string }

/** Changes the `pick`-th (modulo their number) number, string or boolean below the expectation keys; false when there is none. */
function changeOneLeaf(vector: object, keys: readonly string[], pick: number): boolean {
  const leaves: Leaf[] = []
  const collect = (holder: object, inside: boolean): void => {
    for (const [key, value] of Object.entries(holder)) {
      const expected = inside || keys.includes(key)
      if (typeof value === 'object' && value !== null) collect(value, expected)
      else if (expected && value !== null) leaves.push({ holder: holder as Record<string, unknown>, key })
    }
  }
  collect(vector, false)
  const leaf = leaves[pick % Math.max(leaves.length, 1)]
  if (leaf === undefined) return false
  const value = leaf.holder[leaf.key]
  if (typeof value === 'number') leaf.holder[leaf.key] = value + 1
  else if (typeof value === 'boolean') leaf.holder[leaf.key] = !value
  else leaf.holder[leaf.key] = changeOneCharacter(String(value))
  return true
}

function changeOneCharacter(text: string): string {
  if (text === '') return '0'
  return (text.startsWith('1') ? '2' : '1') + text.slice(1)
}
