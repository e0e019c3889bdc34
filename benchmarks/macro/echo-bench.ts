// The echo benchmarks: every case of peers/cases.ts, on both transports of Knotty and on the servers it is compared with.
import process from 'node:process'
import type { BenchCase, BenchSubject } from '../harness/macro.js'
import { type Load, measureCeiling, measureServer } from '../harness/measure-load.js'
import { ECHO_CASES, type EchoCase, type EchoLoad } from '../peers/cases.js'
import type { EchoProtocol } from '../peers/echo-protocol.js'
import { availablePeers, knottyServers, nodePeers, type Peer } from '../peers/peers.js'

const SECONDS = 1.5
const QUICK_SECONDS = 0.4

/**
 * The cases of one protocol. With `--quick` Knotty is compared with what runs on Node alone; otherwise also with the peers that are
 * installed (`npm run bench:peers` installs them, and prints them as one table).
 */
export async function echoCases(protocol: EchoProtocol): Promise<BenchCase[]> {
  const chosen = ECHO_CASES.filter(({ load }) => load.protocol === protocol)
  return Promise.all(chosen.map(async (each) => ({ name: each.name, subjects: await subjectsOf(each) })))
}

async function subjectsOf({ load, slabBytes, beside, targets }: EchoCase): Promise<BenchSubject[]> {
  const settings = { protocol: load.protocol, slabBytes }
  const [knotty, ...others] = knottyServers(settings) as [Peer, ...Peer[]]
  const short = ['--quick', '--list', '--help', '-h'].some((flag) => process.argv.includes(flag))
  const { peers, skipped } = short ? { peers: nodePeers(settings), skipped: [] } : await availablePeers(settings)
  return [
    { ...subjectOf(knotty, load), ratios: targets },
    ...(beside === undefined ? [] : [{ ...subjectOf(knotty, beside.load), name: beside.name }]),
    ...[...others, ...peers].map((server) => subjectOf(server, load)),
    ...skipped.map(({ name, why }) => ({ ...subjectOf({ name, command: [], warmUpSeconds: 0 }, load), skipped: why })),
    { name: 'ceiling of the load', unit: 'messages/s', measure: () => measureCeiling(shapeOf(load)), note: 'no server: what the generator could do' },
  ]
}

function subjectOf(server: Peer, load: EchoLoad): BenchSubject {
  return { name: server.name, unit: 'messages/s', measure: ({ quick }) => measureServer(server, shapeOf(load), quick ? QUICK_SECONDS : SECONDS) }
}

function shapeOf({ protocol, cut, connections, messageBytes, inFlight }: EchoLoad): Load {
  return { mode: protocol === 'raw' ? 'raw' : cut ? 'cut' : 'aligned', connections, messageBytes, inFlight }
}
