// Cost per message against the number of connections: framed echo of 64-byte messages over loopback, four in flight on each of 1 to
// 10,000 connections.
//
// Run:   npm run bench -- --filter scaling/connections
// Read:  nanoseconds of the server's core a message, system calls included: with few connections the server waits for the load, and
//        messages a second would tell of the waiting.
import process from 'node:process'
import { type BenchCase, type BenchSubject, type RoundFigure, runMacro } from '../harness/macro.js'
import { measureLoad } from '../harness/measure-load.js'
import { startServer } from '../harness/processes.js'
import { knottyServers, nodePeers, type Peer, PEER } from '../peers/peers.js'

const CONNECTIONS = [1, 10, 100, 1000, 4000, 10_000]
const IN_FLIGHT = 4
const MESSAGE_BYTES = 64
const SECONDS = 2
const QUICK_SECONDS = 0.8
const TURNS = 'one pass of the loop now serves hundreds of connections: their sockets and objects no longer fit into the caches, in the kernel as here'

const servers = [...knottyServers(), ...nodePeers().filter(({ name }) => name === PEER.handle)]

async function measure(peer: Peer, connections: number, seconds: number): Promise<RoundFigure> {
  const { server, port } = await startServer(peer.command, { name: peer.name })
  try {
    const load = { mode: 'aligned', connections, messageBytes: MESSAGE_BYTES, inFlight: IN_FLIGHT } as const
    const { messagesPerSecond, serverCpu, latency } = await measureLoad(port, load, { seconds, warmUpSeconds: peer.warmUpSeconds, serverPid: server.pid })
    return { value: ((serverCpu ?? 1) * 1e9) / messagesPerSecond, latency, note: `${Math.round(messagesPerSecond)} messages/s` }
  } finally {
    await server.stop()
  }
}

function point(connections: number): BenchCase {
  const subjects = servers.map((peer, index): BenchSubject => ({
    name: peer.name,
    unit: 'ns/op',
    measure: async ({ quick }) => {
      const figure = await measure(peer, connections, quick ? QUICK_SECONDS : SECONDS)
      return connections >= 1000 && figure.note !== undefined ? { ...figure, note: `${figure.note}; ${TURNS}` } : figure
    },
    ...(index === 0 ? { ratios: [{ to: PEER.handle }] } : {}),
  }))
  return { name: `${connections} connections`, subjects }
}

if (process.platform !== 'linux') console.error('without /proc the figures count the time of the server that it waits, too')
await runMacro({ bench: 'scaling/connections', seconds: 90, cases: CONNECTIONS.map(point) })
