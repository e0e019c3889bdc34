import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BenchResult } from '../../../../packages/bench/dist/index.js'
import { ended, type Ended, urlOf, withProgram } from './support.js'

const PROGRAM = `
import { runMacro } from '${urlOf('benchmarks/dist/harness/macro.js')}'
let calls = 0
await runMacro({ bench: 'macro/own', seconds: 4, cases: [
  { name: 'one', subjects: [
    { name: 'quick', unit: 'messages/s', measure: async ({ index, quick }) => (quick ? 1000 : 100) * (index + 1) * 2, ratios: [{ to: 'slow', must: 1.5 }, { to: 'absent' }] },
    { name: 'slow', unit: 'messages/s', measure: async ({ index, quick }) => ({ value: (quick ? 1000 : 100) * (index + 1), note: 'round ' + index }) },
    { name: 'absent', unit: 'messages/s', measure: async () => { throw new Error('is not to be measured') }, skipped: 'no JDK' },
  ] },
  { name: 'two', subjects: [{ name: '', unit: 'ms', measure: async () => { if (++calls > 1) throw new Error('at the second call'); return 1 } }] },
] })`

const run = (...args: string[]): Promise<Ended> => withProgram(PROGRAM, (start) => ended(start(...args)))

describe('runMacro', () => {
  test('measures subjects in turn, and takes ratios round by round', async () => {
    const { code, stdout } = await run('--case', 'one', '--json', '--quick')
    assert.equal(code, 0)
    const [skipped, ...lines] = stdout.trim().split('\n')
    assert.equal(skipped, 'skipped: one: absent: no JDK')
    const [quick, slow] = lines.map((line) => JSON.parse(line) as BenchResult)
    assert.deepEqual(quick, {
      bench: 'macro/own',
      case: 'one: quick',
      unit: 'messages/s',
      value: 4000,
      samples: [2000, 4000, 6000],
      ratios: [{ to: 'one: slow', median: 2, min: 2, max: 2, must: 1.5 }],
    })
    assert.equal(slow?.note, 'round 2')
    assert.equal(lines.length, 2)
  })

  test('a subject that fails is named, the others are measured, and the exit code is 1', async () => {
    const { code, stdout, stderr } = await run('--rounds', '2')
    assert.equal(code, 1)
    assert.match(stdout, /^one: quick +400 \/s/m)
    assert.match(stderr, /failed: macro\/own: two: Error: at the second call/)
    assert.doesNotMatch(stdout, /two/)
  })

  test('lists its cases and says how long they take', async () => {
    const { code, stdout } = await run('--list')
    assert.deepEqual([code, JSON.parse(stdout)], [0, { cases: ['one', 'two'], seconds: 4 }])
  })
})
