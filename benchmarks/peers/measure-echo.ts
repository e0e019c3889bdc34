import type { BenchRatio, BenchResult } from '@knotty/bench'
import { startServer } from '../harness/processes.js'
import { median, ratioSpread } from '../harness/statistics.js'
import type { EchoCase, EchoLoad } from './cases.js'
import { ceilingOf, measureLoad } from './generator.js'
import { KNOTTY, type Peer } from './peers.js'

/** How long and how often. */
export interface MeasureOptions {
  readonly rounds: number
  readonly seconds: number
  /** A server is about to be measured. */
  readonly onStep: (what: string) => void
  /** A server failed; it is left out of this case from now on. */
  readonly onFailure: (what: string) => void
}

/** What the rounds of a case gave: messages a second, one figure a round, by server. */
export interface EchoFigures {
  readonly case: EchoCase
  readonly rates: ReadonlyMap<string, readonly number[]>
  /** What the load generator could do with a server that takes no time. */
  readonly ceiling: number | undefined
}

/** Starting, connecting and ending of a server and its load, about. */
const START_SECONDS = 0.6

interface Subject {
  readonly name: string
  readonly server: Peer
  readonly load: EchoLoad
}

/** What is measured in each round of a case: every server, and for Knotty what else the case wants. */
function subjectsOf(echoCase: EchoCase, servers: readonly Peer[]): readonly Subject[] {
  const subjects = servers.map((server) => ({ name: server.name, server, load: echoCase.load }))
  const knotty = servers.find(({ name }) => name === KNOTTY.libuv)
  const { beside } = echoCase
  return beside === undefined || knotty === undefined ? subjects : [...subjects, { ...beside, server: knotty }]
}

/** How many steps a case takes, and about how long. */
export function estimate(
  echoCase: EchoCase,
  servers: readonly Peer[],
  rounds: number,
  seconds: number,
): { steps: number; seconds: number } {
  const subjects = subjectsOf(echoCase, servers)
  const round = subjects.reduce((sum, { server }) => sum + server.warmUpSeconds + seconds + START_SECONDS, 0)
  return { steps: subjects.length * rounds, seconds: round * rounds }
}

/** Measures a case: all servers in turn, round after round, each round on processes of its own. */
export async function measureCase(echoCase: EchoCase, servers: readonly Peer[], options: MeasureOptions): Promise<EchoFigures> {
  const rates = new Map<string, number[]>()
  const own = echoCase.beside !== undefined
  const ceiling = await ceilingOf(echoCase.load, own)
  let open = subjectsOf(echoCase, servers)
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, server, load } of open) {
      options.onStep(`${echoCase.name}: ${name}`)
      try {
        const rate = await measureServer(server, load, options.seconds, own)
        appendTo(rates, name, rate)
      } catch (error) {
        options.onFailure(`${echoCase.name}: ${name}: ${(error as Error).message}`)
        open = open.filter((subject) => subject.name !== name)
        rates.delete(name)
      }
    }
  }
  return { case: echoCase, rates, ceiling }
}

function appendTo(rates: Map<string, number[]>, name: string, rate: number): void {
  const list = rates.get(name)
  if (list === undefined) rates.set(name, [rate])
  else list.push(rate)
}

async function measureServer(server: Peer, load: EchoLoad, seconds: number, own: boolean): Promise<number> {
  const { server: program, port } = await startServer(server.command, { name: server.name })
  try {
    return await measureLoad({ port, load, seconds, warmUpSeconds: server.warmUpSeconds, own })
  } finally {
    await program.stop()
  }
}

/** Knotty on libuv to another subject of the case, round by round; undefined when one of them was not measured. */
export function ratioTo({ case: { targets }, rates }: EchoFigures, to: string): BenchRatio | undefined {
  const own = rates.get(KNOTTY.libuv)
  const other = rates.get(to)
  if (own === undefined || other === undefined) return undefined
  const { must, goal } = targets.find((target) => target.to === to) ?? {}
  return { to, ...ratioSpread(own, other), ...(must === undefined ? {} : { must }), ...(goal === undefined ? {} : { goal }) }
}

/** In the shape of all benchmarks. */
export function resultsOf(bench: string, figures: EchoFigures): readonly BenchResult[] {
  const name = (subject: string): string => `${figures.case.name}: ${subject}`
  const results: BenchResult[] = []
  for (const [server, samples] of figures.rates) {
    const result = { bench, case: name(server), unit: 'messages/s', value: median(samples), samples } as const
    const ratios: BenchRatio[] = []
    for (const to of figures.rates.keys()) {
      const ratio = server === KNOTTY.libuv && to !== server ? ratioTo(figures, to) : undefined
      if (ratio !== undefined) ratios.push({ ...ratio, to: name(to) })
    }
    results.push(ratios.length === 0 ? result : { ...result, ratios })
  }
  return results
}
