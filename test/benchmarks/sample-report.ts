import type { BenchReport, BenchResult, BenchUnit, LatencyPercentiles } from '../../../packages/bench/dist/index.js'

const LATENCY: LatencyPercentiles = { min: 2, p25: 3, p50: 3.5, p75: 4, p99: 20, p999: 900, max: 50_000 }

function result(bench: string, name: string, unit: BenchUnit, value: number, more: Partial<BenchResult> = {}): BenchResult {
  return { bench, case: name, unit, value, samples: [value * 0.9, value, value * 1.2], ...more }
}

/** One result of every kind a page shows; all figures times `factor`. */
export function sampleReport(factor = 1): BenchReport {
  return {
    schema: 1,
    date: '2026-11-20T21:10:00.000Z',
    command: 'npm run bench -- --json "<out>.json"',
    machine: { cpu: 'A & B', cores: 2, memoryGiB: 24, os: 'Linux 6.1', node: '20.20.2', v8: '11.3', commit: '0641d46', pinned: true },
    results: [
      result('micro/transport/pipeline-dispatch', 'a hop: Knotty', 'ns/op', 3.5 * factor, {
        latency: LATENCY,
        heapBytes: 0,
        gcNs: 0.5,
        ratios: [{ to: 'a hop: prototype', median: 1.2, min: 1.1, max: 1.25, must: 1.3, goal: 1.1 }],
      }),
      result('micro/transport/pipeline-dispatch', 'a hop: prototype', 'ns/op', 3.1 * factor),
      result('macro/framed-echo', 'Knotty <script>alert("1")</script>', 'messages/s', 4_310_000 / factor, {
        ratios: [{ to: 'Netty', median: 1.93, min: 1.9, max: 2, must: 1.8, goal: 2.5 }],
        note: 'a partial frame </style> at every end',
      }),
      result('macro/import', 'import of everything', 'ms', 41 * factor),
      result('alloc/hot-paths', 'nothing at all', 'bytes', 0),
      ...[1, 4, 16, 64].map((length) => result('scaling/pipeline-length', `length ${length}`, 'ns/op', (10 + length) * factor)),
    ],
  }
}
