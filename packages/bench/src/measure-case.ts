import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { measure } from 'mitata'
import { checkHarnesses } from './pipeline-harness.js'
import type { RoundFigure } from './run-cases.js'
import { median } from './statistics.js'

/** What is measured: called again and again. A promise it returns is waited for, and that is measured too. */
export type Run = () => unknown

const WARM_UP_MS = 300
const QUICK_WARM_UP_MS = 150
const MEASURE_MS = 400
const QUICK_MEASURE_MS = 150
/** So long takes one sample of short runs: long beside reading the clock, short beside a garbage collection. */
const SAMPLE_NS = 50_000
/** mitata writes so many calls out in its loop. */
const UNROLLED = 4
/** Garbage collections are counted in runs of so long. */
const GC_MS = 150
const QUICK_GC_MS = 80
/** The heap is read around so many series of runs, each of about so long. */
const HEAP_SERIES = 7
const HEAP_SERIES_NS = 1e6

/** Collects garbage; does nothing without `--expose-gc`. */
const collect = (): void => globalThis.gc?.()

/**
 * Measures one case in this process: warms up, takes samples with mitata, then watches garbage collections and the heap in further
 * runs.
 *
 * @param perRun operations that a run makes; all figures are divided by it
 */
export async function measureCase(run: Run, perRun: number, quick: boolean): Promise<RoundFigure> {
  const runNs = await warmUp(run, quick ? QUICK_WARM_UP_MS : WARM_UP_MS)
  checkHarnesses()
  const stats = await measure(run, {
    gc: collect,
    min_cpu_time: (quick ? QUICK_MEASURE_MS : MEASURE_MS) * 1e6,
    batch_samples: Math.max(1, Math.ceil(SAMPLE_NS / UNROLLED / runNs)) * UNROLLED,
  })
  const { min, p25, p50, p75, p99, p999, max } = stats
  return {
    value: p50 / perRun,
    latency: {
      min: min / perRun,
      p25: p25 / perRun,
      p50: p50 / perRun,
      p75: p75 / perRun,
      p99: p99 / perRun,
      p999: p999 / perRun,
      max: max / perRun,
    },
    heapBytes: (await heapBytesOf(run, Math.max(1, Math.round(HEAP_SERIES_NS / p50)))) / perRun,
    gcNs: (await gcNsOf(run, p50, quick ? QUICK_GC_MS : GC_MS)) / perRun,
  }
}

/** Runs for so long; nanoseconds a run of the second half. */
async function warmUp(run: Run, forMs: number): Promise<number> {
  const start = performance.now()
  let half = start
  let runs = 0
  for (let now = start; now < start + forMs || runs === 0; now = performance.now()) {
    if (half === start && now >= start + forMs / 2) {
      half = now
      runs = 0
    }
    await runAll(run, UNROLLED)
    runs += UNROLLED
  }
  return Math.max(1, ((performance.now() - half) * 1e6) / runs)
}

/** Nanoseconds of garbage collection a run, in plain runs: the samples of mitata make garbage of their own. */
async function gcNsOf(run: Run, runNs: number, forMs: number): Promise<number> {
  collect()
  await turn()
  const collections: { readonly startTime: number; readonly duration: number }[] = []
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const runs = Math.max(1, Math.round((forMs * 1e6) / runNs))
  const start = performance.now()
  await runAll(run, runs)
  const end = performance.now()
  await turn() // Node tells of collections in a later turn
  await turn()
  observer.disconnect()
  const ms = collections.reduce((sum, { startTime, duration }) => (startTime >= start && startTime <= end ? sum + duration : sum), 0)
  return (ms * 1e6) / runs
}

async function runAll(run: Run, runs: number): Promise<void> {
  for (let i = 0; i < runs; i++) {
    const result = run()
    if (result instanceof Promise) await result
  }
}

/**
 * Bytes that a run allocates: growth of the heap over a series of runs, median of several series. A series in which the heap
 * shrank, because garbage was collected, is left out.
 */
async function heapBytesOf(run: Run, runs: number): Promise<number> {
  const grown: number[] = []
  for (let series = 0; series < HEAP_SERIES; series++) {
    collect()
    const own = heapBytes()
    const before = heapBytes()
    await runAll(run, runs)
    const bytes = heapBytes() - before - (before - own)
    if (bytes > -runs) grown.push(Math.max(0, bytes) / runs)
  }
  return grown.length === 0 ? Number.NaN : median(grown)
}

function heapBytes(): number {
  return getHeapStatistics().used_heap_size
}
