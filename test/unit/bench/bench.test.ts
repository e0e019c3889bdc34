import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import type { BenchResult } from '../../../../packages/bench/dist/index.js'
import { ended, isAlive, urlOf, withProgram } from './support.js'

const IMPORTS = `import { bench, pipelineHarness } from '${urlOf('packages/bench/dist/index.js')}'\n`

const GOOD = `${IMPORTS}
bench('adding', () => { let sum = 0; return () => { sum += 1 } })
bench('an object', () => { let last; return () => { last = { a: 1, b: 2, c: 3, d: 4 } } }, { compareWith: 'adding', must: 1000 })
`

const BAD = `${IMPORTS}
bench('good', () => () => 1)
bench('throws', () => { const { read } = pipelineHarness({ channelRead() { throw new Error('of my handler') } }); return () => read(Buffer.alloc(1)) })
bench('swallows', () => { const { read } = pipelineHarness({ channelRead(ctx, msg) { msg.release() } }); return () => read(Buffer.alloc(1)) })
bench('no function', () => 1)
`

const SLOW = `${IMPORTS}
import { writeFileSync } from 'node:fs'
bench('for ever', () => { writeFileSync('pid', String(process.pid)); return () => { for (;;); } })
`

describe('bench', () => {
  test('measures each case in processes of its own and prints results as JSON', async () => {
    const { code, stdout, stderr } = await withProgram(GOOD, (start) => ended(start('--json', '--quick', '--rounds', '2')))
    assert.equal(code, 0, stderr)
    const [adding, object, ...others] = stdout.trim().split('\n').map((line) => JSON.parse(line) as BenchResult)
    assert.deepEqual(others, [])
    assert.deepEqual([adding!.bench, adding!.case, adding!.unit, adding!.samples.length], ['own', 'adding', 'ns/op', 2])
    assert.ok(adding!.value > 0 && adding!.latency!.p99 >= adding!.latency!.min)
    assert.ok(adding!.heapBytes! < 1, `${adding!.heapBytes} bytes for an addition`)
    assert.equal(object!.ratios?.[0]?.to, 'adding')
    assert.equal(object!.ratios[0].must, 1000)
  })

  test('lists its cases without running them', async () => {
    const { code, stdout } = await withProgram(BAD, (start) => ended(start('--list')))
    assert.equal(code, 0)
    assert.deepEqual((JSON.parse(stdout) as { cases: string[] }).cases, ['good', 'throws', 'swallows', 'no function'])
  })

  test('names the cases that fail, with the stack of the handler, goes on, and exits with 1', async () => {
    const { code, stdout, stderr } = await withProgram(BAD, (start) => ended(start('--quick', '--rounds', '1')))
    assert.equal(code, 1)
    assert.match(stdout, /^good +/m)
    assert.match(stderr, /failed: own: throws: .*\n +Error: of my handler\n +at .*channelRead.*own\.bench\.mjs/)
    assert.match(stderr, /failed: own: swallows: .*\n +Error: nothing arrived at the tail or the head/)
    assert.match(stderr, /failed: own: no function: .*\n +TypeError: setup gave number/)
  })

  test('a mistake on the command line is one line and exit code 2', async () => {
    for (const args of [['--fast'], ['--case', 'none']]) {
      const { code, stdout, stderr } = await withProgram(GOOD, (start) => ended(start(...args)))
      assert.deepEqual([code, stdout, stderr.trim().split('\n').length], [2, '', 1], stderr)
    }
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} ends the process of the case, too, and prints one line`, async () => {
      await withProgram(SLOW, async (start, folder) => {
        const child = start('--json')
        const all = ended(child)
        let pid = 0
        await eventually(() => assert.ok((pid = Number(readFileSync(path.join(folder, 'pid'), 'utf8'))) > 0), 30_000)
        assert.ok(isAlive(pid))
        child.kill(signal)
        const { code, stdout, stderr } = await all
        assert.equal(code, signal === 'SIGINT' ? 130 : 143)
        assert.equal(stdout, '')
        assert.match(stderr, new RegExp(`^\\[1/5\\] own: for ever\ninterrupted by ${signal}: [^\n]*\n$`))
        assert.ok(!isAlive(pid), 'the process of the case is gone')
      })
    })
  }

  test('a case that is added too late, or twice, is told of', async () => {
    const late = `${IMPORTS}bench('a', () => () => 1)\nawait new Promise((resolve) => setTimeout(resolve, 50))\nbench('b', () => () => 1)`
    const twice = `${IMPORTS}bench('a', () => () => 1)\nbench('a', () => () => 1)`
    assert.match((await withProgram(late, (start) => ended(start('--quick')))).stderr, /bench\("b"\) came too late/)
    assert.match((await withProgram(twice, (start) => ended(start('--list')))).stderr, /two cases are named "a"/)
  })
})
