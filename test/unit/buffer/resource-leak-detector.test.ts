import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import process from 'node:process'
import { afterEach, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type ByteBuf, type LeakDetectionLevel, PooledByteBufAllocator, ResourceLeakDetector } from '@knotty/buffer'
import { diagnostics, setLogger } from '@knotty/common'

/** Bun collects when it likes. */
const CANNOT_COLLECT = process.versions['bun'] !== undefined
if (!CANNOT_COLLECT) setFlagsFromString('--expose-gc')
const collect = CANNOT_COLLECT ? undefined : (runInNewContext('gc') as () => void)

const alloc = new PooledByteBufAllocator()
const before = ResourceLeakDetector.level
let warnings: string[] = []

afterEach(() => {
  ResourceLeakDetector.setLevel(before)
  setLogger(undefined)
})

/** Runs `use` at a level, loses all that it made, and gives what was told then. */
async function lose(level: LeakDetectionLevel, use: () => void, times = 1): Promise<string[]> {
  warnings = []
  const ignore = (): void => undefined
  setLogger({ debug: ignore, info: ignore, warn: (message) => void warnings.push(message), error: ignore })
  ResourceLeakDetector.setLevel(level)
  for (let i = 0; i < times; i++) use()
  for (let i = 0; i < 5; i++) {
    await turn()
    collect?.()
    await turn()
  }
  return warnings.filter((line) => line.includes('was not recycled'))
}

describe('ResourceLeakDetector', CANNOT_COLLECT ? { skip: 'a collection cannot be forced' } : {}, () => {
  test('at level paranoid tells of each buffer that was lost, with the place that allocated it', async () => {
    function forgetful(): void {
      alloc.buffer().writeInt(1)
    }
    const told = await lose('paranoid', forgetful)
    assert.equal(told.length, 1)
    assert.match(told[0]!, /It was allocated at forgetful \(.*resource-leak-detector/)
  })

  test('tells of each place once, and of another place again', async () => {
    const one = (): void => void alloc.buffer()
    const other = (): void => void alloc.buffer()
    const told: number[] = []
    for (const use of [one, one, other]) told.push((await lose('paranoid', use, 10)).length)
    assert.deepEqual(told, [1, 0, 1])
  })

  test('tells nothing of buffers that were released, in whatever way they had grown, been cut or been retained', async () => {
    const told = await lose('paranoid', () => {
      const buffer = alloc.buffer().writeZero(5000)
      const slice = buffer.retainedSlice(0, 10)
      buffer.release()
      slice.release()
    }, 20)
    assert.deepEqual(told, [])
  })

  test('tells nothing of a buffer that is still held, or whose bytes were kept with asBuffer', async () => {
    const held: ByteBuf[] = []
    const told = await lose('paranoid', () => {
      held.push(alloc.buffer())
      alloc.buffer().writeInt(1).asBuffer()
    })
    assert.deepEqual(told, [])
    for (const buffer of held) buffer.release()
  })

  test('tells of a buffer that was lost after it had outgrown its first piece', async () => {
    assert.equal((await lose('paranoid', () => void alloc.buffer().writeZero(5000))).length, 1)
  })

  test('tells of a buffer whose last view was lost', async () => {
    const told = await lose('paranoid', () => {
      const buffer = alloc.buffer().writeInt(1)
      buffer.retainedSlice()
      buffer.release()
    })
    assert.equal(told.length, 1)
  })

  test('reports what an object keeps that both allocated the buffer and holds it', async () => {
    class Holder {
      buffer: ByteBuf | undefined
      allocate(): void {
        this.buffer = alloc.buffer()
        this.buffer.retain().touch(this)
      }
    }
    const told = await lose('paranoid', () => new Holder().allocate())
    assert.equal(told.length, 1, 'its record must not keep the holder alive')
  })

  test('at level advanced and above tells the latest touches, retains and releases with their hints, a bounded number of them', async () => {
    const told = await lose('paranoid', () => {
      const buffer = alloc.buffer()
      for (let i = 0; i < 20; i++) buffer.touch(`hint ${i}`)
      buffer.retain().release()
    })
    assert.match(told[0]!, /latest first: release\(\) .*; retain\(\) .*; touch\('hint 19'\) at .*resource-leak-detector/)
    assert.match(told[0]!, /hint 14/)
    assert.doesNotMatch(told[0]!, /hint 13/)
  })

  test('at level advanced and above tells touches of a composite for each of its components', async () => {
    const told = await lose('paranoid', () => {
      alloc.compositeBuffer().addComponent(true, alloc.buffer().writeByte(1)).touch('as a part')
    })
    assert.match(told[0]!, /touch\('as a part'\)/)
  })

  test('leaves Error.stackTraceLimit as it was, and works where Error is frozen', () => {
    ResourceLeakDetector.setLevel('paranoid')
    const { stackTraceLimit } = Error
    alloc.buffer().touch().release()
    assert.equal(Error.stackTraceLimit, stackTraceLimit)
    const index = new URL('../../../../packages/buffer/dist/index.js', import.meta.url).href
    const script = `const { PooledByteBufAllocator } = await import('${index}')
      const alloc = new PooledByteBufAllocator()
      Object.freeze(Error)
      for (let i = 0; i < 10; i++) alloc.buffer().release()
      console.log(alloc.metric.usedBytes)`
    const env = { ...process.env, KNOTTY_LEAK_DETECTION: 'paranoid' }
    assert.equal(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { env }).toString().trim(), '0')
  })

  test('tells of 1,000 places at most', async () => {
    const index = new URL('../../../../packages/buffer/dist/index.js', import.meta.url).href
    const script = `const { ResourceLeakDetector } = await import('${index}')
      for (let i = 0; i < 1100; i++) ResourceLeakDetector.report('test', 'place ' + i, 'here', [], () => 'told')`
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
    assert.equal(stderr.match(/told/g)?.length, 1000)
  })

  test('keeps 6 frames of the place at level simple, and 12 from advanced on', () => {
    const deep = (depth: number): ByteBuf => (depth === 0 ? alloc.buffer() : deep(depth - 1))
    for (const [level, frames] of [['simple', 6], ['advanced', 12]] as const) {
      ResourceLeakDetector.setLevel(level)
      let kept: number | undefined
      while (kept === undefined) {
        const buffer = deep(20)
        kept = buffer.storage.piece?.leak?.site.length
        buffer.release()
      }
      assert.equal(kept, frames)
    }
  })

  test('takes any hint: long ones are cut, and those that cannot be shown are told by their type', async () => {
    const told = await lose('paranoid', () => void alloc.buffer().touch('x'.repeat(10_000)).touch(Object.create(null)))
    assert.match(told[0]!, /touch\(object\) at .*touch\('x{199}\) at /)
  })

  test('at level simple records no touches, and says how to get them', async () => {
    const told = await lose('simple', () => void alloc.buffer().touch('seen'), 2000)
    assert.equal(told.length, 1)
    assert.match(told[0]!, /KNOTTY_LEAK_DETECTION=advanced tells where it was last seen/)
    assert.doesNotMatch(told[0]!, /'seen'/)
  })

  test('at level simple watches about one buffer in 128', async () => {
    ResourceLeakDetector.setLevel('simple')
    let watched = 0
    for (let i = 0; i < 128_000; i++) {
      const buffer = alloc.buffer()
      if (buffer.storage.piece?.leak !== undefined) watched++
      buffer.release()
    }
    assert.ok(watched > 800 && watched < 1250, `${watched} of 128000`)
  })

  test('at level disabled watches nothing', async () => {
    assert.deepEqual(await lose('disabled', () => void alloc.buffer(), 500), [])
  })

  test('publishes knotty:leak:detected with the place and the accesses', async () => {
    const events: { resource: string; site: string; accesses: string[] }[] = []
    const listener = (event: unknown): void => void events.push(event as (typeof events)[number])
    diagnostics.leakDetected.subscribe(listener)
    await lose('advanced', () => void alloc.buffer().touch('last'), 2000)
    diagnostics.leakDetected.unsubscribe(listener)
    assert.equal(events.length, 1)
    assert.equal(events[0]!.resource, 'pooled memory')
    assert.match(events[0]!.site, /resource-leak-detector/)
    assert.match(events[0]!.accesses[0]!, /touch\('last'\)/)
  })

  test('memory of a lost buffer is not used again: the pool does not know it', async () => {
    const own = new PooledByteBufAllocator()
    await lose('paranoid', () => void own.buffer())
    const { metric } = own
    assert.deepEqual([metric.usedBytes, metric.pooledBytes], [256, 0])
  })

  test('refuses a level that is none', () => {
    assert.throws(() => ResourceLeakDetector.setLevel('SIMPLE' as 'simple'), {
      name: 'IllegalArgumentError',
      message: "level: 'SIMPLE' (expected: disabled, simple, advanced, paranoid)",
    })
  })

  for (const [value, level, warns] of [
    [undefined, 'simple', false],
    ['disabled', 'disabled', false],
    ['paranoid', 'paranoid', false],
    ['loud', 'simple', true],
  ] as const) {
    test(`starts at ${level} with KNOTTY_LEAK_DETECTION=${value ?? '(unset)'}${warns ? ', with a warning' : ''}`, () => {
      const env = { ...process.env }
      if (value === undefined) delete env['KNOTTY_LEAK_DETECTION']
      else env['KNOTTY_LEAK_DETECTION'] = value
      const index = new URL('../../../../packages/buffer/dist/index.js', import.meta.url).href
      const script = `import('${index}').then(m => console.log(m.ResourceLeakDetector.level))`
      const args = ['-e', `process.stderr.write = (line) => (console.log(line), true); ${script}`]
      const out = execFileSync(process.execPath, args, { env }).toString()
      assert.equal(out.trim().split('\n').at(-1), level)
      assert.equal(out.includes('KNOTTY_LEAK_DETECTION is ignored'), warns)
    })
  }
})
