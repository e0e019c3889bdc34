/** What a figure counts. `ns/op`, `bytes` and `ms` are better when they are lower, the others when they are higher. */
export type BenchUnit = 'ns/op' | 'messages/s' | 'connections/s' | 'bytes' | 'ms'

/** How long an operation took, in nanoseconds. */
export interface LatencyPercentiles {
  readonly min: number
  readonly p25: number
  readonly p50: number
  readonly p75: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** How one case compares with another of the same interleaved run: its figure divided by the other's, round by round. */
export interface BenchRatio {
  /** The case compared with. */
  readonly to: string
  readonly median: number
  readonly min: number
  readonly max: number
  /** The ratio that must be reached (at least for rates, at most for times and bytes). */
  readonly must?: number
  /** The ratio aimed at. */
  readonly goal?: number
}

/** One case of one benchmark. */
export interface BenchResult {
  /** The benchmark: its path without `.bench`, `micro/transport/pipeline-dispatch`. */
  readonly bench: string
  /** The case, unique within the benchmark: `16 handlers of 4 classes`. */
  readonly case: string
  readonly unit: BenchUnit
  /** Median of {@link samples}. */
  readonly value: number
  /** One figure a round (or a process), in the order measured. */
  readonly samples: readonly number[]
  /** Of single operations, where they were measured. */
  readonly latency?: LatencyPercentiles
  /** Heap bytes allocated an operation. */
  readonly heapBytes?: number
  /** Time of garbage collection an operation, in nanoseconds. */
  readonly gcNs?: number
  readonly ratios?: readonly BenchRatio[]
  /** What a reader must know, in one sentence: what was left out, what bends a curve. */
  readonly note?: string
}

/** What a run was made on. */
export interface BenchMachine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly os: string
  readonly node: string
  readonly v8: string
  /** The commit of the tree measured, `-dirty` behind it when files were changed; empty when unknown. */
  readonly commit: string
  /** Whether servers and loads were bound to cores of their own. */
  readonly pinned: boolean
}

/** A file of results, as `npm run bench -- --json out.json` writes it. */
export interface BenchReport {
  readonly schema: 1
  /** ISO 8601. */
  readonly date: string
  /** What reproduces it. */
  readonly command: string
  readonly machine: BenchMachine
  readonly results: readonly BenchResult[]
}
