export type { BenchMachine, BenchRatio, BenchReport, BenchResult, BenchUnit, LatencyPercentiles } from './bench-result.js'
