// Connections accepted and ended, one after another, 64 at a time: Knotty on both transports beside net.createServer.
//
//   the server closes           accept, pipeline, channelActive, close
//   one message, then a reset   accept, pipeline, one byte read and sent back; then the client resets
//
// Run:   npm run bench -- --filter accept-churn
// Read:  connections a second. The client takes a good part of its core too: in a loopback the kernel makes most of a connection in
//        the connecting process.
import path from 'node:path'
import process from 'node:process'
import { type BenchCase, type BenchSubject, type RoundFigure, runMacro } from '../harness/macro.js'
import { sharesOf } from '../harness/measure-load.js'
import { LOAD_CORE, startNode, startServer } from '../harness/processes.js'

const CONCURRENCY = 64
const SECONDS = 2
const QUICK_SECONDS = 0.5

type Mode = 'closing' | 'answering'

const program = (name: string): string => path.join(import.meta.dirname, name)
const knotty = (transport: string, mode: Mode): string[] => [
  ...['env', `KNOTTY_TRANSPORT=${transport}`],
  ...[process.execPath, program('churn-knotty.js'), mode],
]

async function measure(name: string, command: readonly string[], mode: Mode, seconds: number): Promise<RoundFigure> {
  const { server, port } = await startServer(command, { name })
  try {
    const args = [program('churn-load.js'), port, mode, CONCURRENCY, seconds, server.pid].map(String)
    const lines = await startNode(args, { name: 'the client', core: LOAD_CORE }).end()
    const { connectionsPerSecond, ...shares } = JSON.parse(lines[0]!) as { connectionsPerSecond: number; loadCpu: number; serverCpu?: number }
    return { value: connectionsPerSecond, note: sharesOf(shares) }
  } finally {
    await server.stop()
  }
}

function churn(name: string, mode: Mode): BenchCase {
  const subject = (server: string, command: readonly string[]): BenchSubject => ({
    name: server,
    unit: 'connections/s',
    measure: ({ quick }) => measure(server, command, mode, quick ? QUICK_SECONDS : SECONDS),
  })
  const ratios = [{ to: 'net.createServer', must: 1, goal: 1.5 }]
  return {
    name,
    subjects: [
      { ...subject('Knotty libuv', knotty('libuv', mode)), ratios },
      subject('Knotty net', knotty('net', mode)),
      subject('net.createServer', [process.execPath, program('churn-net.js'), mode]),
    ],
  }
}

await runMacro({
  bench: 'macro/accept-churn',
  seconds: 25,
  cases: [churn('the server closes', 'closing'), churn('one message, then a reset', 'answering')],
})
