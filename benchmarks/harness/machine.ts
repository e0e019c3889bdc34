import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, release, totalmem, type as osType } from 'node:os'
import process from 'node:process'
import type { BenchMachine, BenchReport, BenchResult } from '@knotty/bench'
import { canPin } from './processes.js'

/** The commit of the tree that this file belongs to, `-dirty` behind it when files were changed; empty without git. */
function commitOf(folder: string): string {
  const args = ['describe', '--always', '--dirty', '--exclude', '*', '--abbrev=12']
  const { status, stdout } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}

/** What this run is made on. */
export function describeMachine(): BenchMachine {
  return {
    cpu: cpus()[0]?.model.trim() ?? process.arch,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${osType()} ${release()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    commit: commitOf(import.meta.dirname),
    pinned: canPin(),
  }
}

/** A file of results, made now. */
export function reportOf(command: string, results: readonly BenchResult[]): BenchReport {
  return { schema: 1, date: new Date().toISOString(), command, machine: describeMachine(), results }
}

/** The machine in one line, for people. */
export function machineLine(machine: BenchMachine): string {
  const { cpu, cores, memoryGiB, os, node, v8, commit, pinned } = machine
  const at = commit === '' ? '' : `, commit ${commit}`
  return `${cpu}, ${cores} cores${pinned ? '' : ' (not pinned)'}, ${memoryGiB} GiB, ${os}, Node ${node} (V8 ${v8})${at}`
}
