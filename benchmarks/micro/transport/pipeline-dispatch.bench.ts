// One hop of a message through a pipeline of sixteen handlers built from K classes: Knotty's pipeline beside the hand-written
// class-table prototype (benchmarks/prototype/dispatch-table.mjs), in interleaved rounds.
//
// Run:   npm run bench -- --filter pipeline-dispatch
// Read:  nanoseconds a hop; the ratio is Knotty to prototype: must be below 1.3, goal 1.1, flat from 4 to 16 classes.
import path from 'node:path'
import { bench } from '@knotty/bench'
import { EmbeddedChannel } from '@knotty/transport'

const HANDLERS = 16
const TIMES = 1000
const OPTIONS = { perRun: TIMES * (HANDLERS + 1) }

interface Prototype {
  readonly handlerClasses: readonly (new () => object)[]
  buildChain(variant: 'table', classes: number): { readonly head: Chain; readonly tail: { readonly reads: number } }
}

interface Chain {
  fireChannelRead(msg: { readonly size: number }): unknown
}

/** Plain JavaScript outside the compiled tree. */
function loadPrototype(): Promise<Prototype> {
  return import(path.resolve(import.meta.dirname, '../../../prototype/dispatch-table.mjs')) as Promise<Prototype>
}

/** Sends messages through a chain, and fails unless each arrives. */
function driving(chain: Chain, arrived: () => number): () => unknown {
  const msg = { size: 1 }
  return () => {
    const before = arrived()
    for (let index = 0; index < TIMES; index++) chain.fireChannelRead(msg)
    if (arrived() !== before + TIMES) throw new Error(`of ${TIMES} messages ${arrived() - before} arrived at the last handler`)
  }
}

for (const classes of [1, 4, 8, 16]) {
  const of = `${classes} ${classes === 1 ? 'class' : 'classes'}`
  bench(`prototype, ${of}`, async () => {
    const { head, tail } = (await loadPrototype()).buildChain('table', classes)
    return driving(head, () => tail.reads)
  }, OPTIONS)
  bench(`Knotty, ${of}`, async () => {
    const { handlerClasses } = await loadPrototype()
    const { pipeline } = new EmbeddedChannel()
    for (let index = 0; index < HANDLERS; index++) pipeline.addLast(new handlerClasses[index % classes]!())
    let reads = 0
    pipeline.addLast({ channelRead: () => void reads++ })
    return driving(pipeline, () => reads)
  }, { ...OPTIONS, compareWith: `prototype, ${of}`, must: 1.3, goal: 1.1 })
}
