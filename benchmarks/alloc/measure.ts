// Measures one hot path in this process: `node FLAGS measure.js NAME` with the flags of measure-process.ts. Prints one JSON line,
// the heap bytes per 1,000 operations.
//
// The heap is used by allocation alone as long as nothing is collected: the young generation is so large that a sample fits in, and
// a sample in which there was a collection all the same (V8's own account, v8.GCProfiler) counts for nothing and is taken again. So
// heapUsed after it less heapUsed before it is what was allocated, to the byte but for what V8 sets aside for itself.
import process from 'node:process'
import v8 from 'node:v8'
import { HOT_PATHS, type RunOperations, WINDOW } from './hot-paths.js'

const TRIES = 8

/** Heap bytes that the operations allocated; undefined when there was a collection. */
async function allocated(run: RunOperations, operations: number): Promise<number | undefined> {
  globalThis.gc?.()
  const profiler = new v8.GCProfiler()
  profiler.start()
  const before = process.memoryUsage().heapUsed
  const pending = run(operations)
  if (pending !== undefined) await pending
  const after = process.memoryUsage().heapUsed
  const { statistics } = profiler.stop() as { statistics: readonly unknown[] }
  return statistics.length === 0 ? after - before : undefined
}

async function sample(run: RunOperations, operations: number): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const bytes = await allocated(run, operations)
    if (bytes !== undefined) return bytes
  }
  throw new Error(`garbage was collected within ${operations} operations, ${TRIES} times: larger young generation or fewer operations`)
}

const name = process.argv[2] as string
const hotPath = HOT_PATHS.find((each) => each.name === name)
if (hotPath === undefined) throw new Error(`no hot path is called ${name}`)
if (globalThis.gc === undefined) throw new Error('node --expose-gc is needed')
const { warmUp = 200 * WINDOW, operations = 50 * WINDOW, samples = 5 } = hotPath
const run = await hotPath.setUp()
await run(warmUp)
// What measuring itself allocates; the first times are more, and compile it.
const nothing: number[] = []
for (let index = 0; index < 8; index++) nothing.push(await sample(() => {}, 0))
const own = nothing.at(-1) as number
// The lowest sample: what V8 allocates now and then for its own ends, a page or a piece of code, only adds.
let lowest = Number.POSITIVE_INFINITY
for (let index = 0; index < samples; index++) lowest = Math.min(lowest, (await sample(run, operations)) - own)
console.log(Math.max(0, Math.round(lowest / (operations / 1000))))
// Ends the peer of the loopback case, too.
process.exit(0)
