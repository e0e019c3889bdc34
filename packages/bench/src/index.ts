export { bench, type BenchOptions, type Setup } from './bench.js'
export type { BenchMachine, BenchRatio, BenchReport, BenchResult, BenchUnit, LatencyPercentiles } from './bench-result.js'
export type { Run } from './measure-case.js'
export { pipelineHarness, type PipelineHarness } from './pipeline-harness.js'
