// One hop of a message through a pipeline of sixteen handlers built from K classes: Knotty's pipeline beside the hand-written
// class-table prototype (benchmarks/prototype/dispatch-table.mjs), both in processes of their own, in interleaved rounds.
//
// Run:   npm run bench -- pipeline-dispatch
// Read:  nanoseconds a hop, median of the rounds; the ratio is Knotty to prototype: must be below 1.3, goal 1.1, flat from 4 to 16.

import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { EmbeddedChannel } from '@knotty/transport'

const HANDLERS = 16
const ROUNDS = 5
const KINDS = [1, 4, 8, 16]
const TIMES = 200_000
const prototypeFile = path.resolve(import.meta.dirname, '../../../prototype/dispatch-table.mjs')

interface Prototype {
  readonly handlerClasses: readonly (new () => object)[]
}

/** Nanoseconds a hop of Knotty's pipeline: median of seven samples after 400 ms of warm-up. */
async function measureKnotty(classes: number): Promise<number> {
  const { handlerClasses } = (await import(prototypeFile)) as Prototype
  const channel = new EmbeddedChannel()
  for (let index = 0; index < HANDLERS; index++) {
    channel.pipeline.addLast(new (handlerClasses[index % classes] as new () => object)())
  }
  let reads = 0
  channel.pipeline.addLast({ channelRead: () => void reads++ })
  const { pipeline } = channel
  const msg = { size: 1 }
  const drive = (): void => {
    for (let index = 0; index < TIMES; index++) pipeline.fireChannelRead(msg)
  }
  const warm = performance.now() + 400
  let driven = 0
  for (; performance.now() < warm; driven += TIMES) drive()
  const samples: number[] = []
  for (let sample = 0; sample < 7; sample++) {
    const start = process.hrtime.bigint()
    drive()
    samples.push(Number(process.hrtime.bigint() - start) / (TIMES * (HANDLERS + 1)))
  }
  if (reads !== driven + 7 * TIMES) throw new Error(`the last handler saw ${reads} messages`)
  return median(samples)
}

function child(args: readonly string[]): number {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

function compare(): void {
  const self = process.argv[1] as string
  console.log(`K classes   Knotty ns/hop   prototype ns/hop   ratio (min-max of ${ROUNDS} pairs)`)
  for (const kind of KINDS) {
    const knotty: number[] = []
    const prototype: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      knotty.push(child([self, '--case', String(kind)]))
      prototype.push(child([prototypeFile, '--case', 'table', String(kind)]))
    }
    const ratios = knotty.map((value, index) => value / (prototype[index] as number))
    const range = `(${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`
    const cells = [String(kind).padEnd(12), median(knotty).toFixed(2).padEnd(16), median(prototype).toFixed(2).padEnd(19)]
    console.log(`${cells.join('')}${median(ratios).toFixed(2)} ${range}`)
  }
}

if (process.argv[2] === '--case') console.log(await measureKnotty(Number(process.argv[3])))
else compare()
