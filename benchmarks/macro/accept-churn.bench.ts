// Connections accepted and ended, one after another, 64 at a time: Knotty on both transports beside net.createServer.
//
//   the server closes           accept, pipeline, channelActive, close
//   one message, then a reset   accept, pipeline, one byte read and sent back; then the client resets
//
// Run:   npm run bench -- --filter accept-churn
// Read:  connections a second, and so many in a second of the server's processor time. In a loopback the kernel makes most of a connection
//        in the connecting process: a client in C takes 27 us of its core for one that the server closes, more than the server does, so
//        the first figure is the client's then (its note says so) and the second one the server's.
import path from 'node:path'
import process from 'node:process'
import { type BenchCase, type BenchSubject, type Round, type RoundFigure, runMacro } from '../harness/macro.js'
import { type CoreShares, sharesOf } from '../harness/measure-load.js'
import { cpuSecondsOf } from './load/cpu-seconds.js'
import { LOAD_CORE, startNode, startServer } from '../harness/processes.js'

const CONCURRENCY = 64
const SECONDS = 2
const QUICK_SECONDS = 0.5
const REFERENCE = 'net.createServer'
const OF_ITS_TIME = ', in a second of its processor time'

type Mode = 'closing' | 'answering'

const program = (name: string): string => path.join(import.meta.dirname, name)
const knotty = (transport: string, mode: Mode): string[] =>
  ['env', `KNOTTY_TRANSPORT=${transport}`, process.execPath, program('churn-knotty.js'), mode]

/** Both figures of one run. */
interface ChurnFigures {
  readonly rate: RoundFigure
  /** Absent when none was counted. */
  readonly perProcessorSecond: RoundFigure | undefined
}

async function measure(name: string, command: readonly string[], mode: Mode, seconds: number): Promise<ChurnFigures> {
  const { server, port } = await startServer(command, { name })
  try {
    const args = [program('churn-load.js'), port, mode, CONCURRENCY, seconds, server.pid].map(String)
    const lines = await startNode(args, { name: 'the client', core: LOAD_CORE }).end()
    const measured = JSON.parse(lines[0]!) as CoreShares & { readonly connectionsPerSecond: number }
    const { connectionsPerSecond, serverCpu } = measured
    return {
      rate: { value: connectionsPerSecond, note: sharesOf(measured, connectionsPerSecond) },
      perProcessorSecond: serverCpu === undefined || serverCpu === 0 ? undefined : { value: connectionsPerSecond / serverCpu },
    }
  } finally {
    await server.stop()
  }
}

/** A server as two subjects, which are measured by one run in each round. */
function subjects(server: string, command: readonly string[], mode: Mode, judged: boolean): BenchSubject[] {
  let last: { readonly round: number; readonly figures: Promise<ChurnFigures> } | undefined
  const run = ({ index, quick }: Round): Promise<ChurnFigures> => {
    if (last?.round !== index) last = { round: index, figures: measure(server, command, mode, quick ? QUICK_SECONDS : SECONDS) }
    return last.figures
  }
  const ratioTo = (reference: string): Pick<BenchSubject, 'ratios'> => (judged ? { ratios: [{ to: reference, must: 1, goal: 1.5 }] } : {})
  return [
    { name: server, unit: 'connections/s', measure: async (round) => (await run(round)).rate, ...ratioTo(REFERENCE) },
    {
      name: server + OF_ITS_TIME,
      unit: 'connections/s',
      measure: async (round) => {
        const { perProcessorSecond } = await run(round)
        if (perProcessorSecond === undefined) throw new Error('the run was too short: no processor time was counted')
        return perProcessorSecond
      },
      skipped: cpuSecondsOf(process.pid) === undefined ? 'the system does not tell what processor time a process took' : undefined,
      ...ratioTo(REFERENCE + OF_ITS_TIME),
    },
  ]
}

function churn(name: string, mode: Mode): BenchCase {
  return {
    name,
    subjects: [
      ...subjects('Knotty libuv', knotty('libuv', mode), mode, true),
      ...subjects('Knotty net', knotty('net', mode), mode, false),
      ...subjects(REFERENCE, [process.execPath, program('churn-net.js'), mode], mode, false),
    ],
  }
}

await runMacro({
  bench: 'macro/accept-churn',
  seconds: 42,
  cases: [churn('the server closes', 'closing'), churn('one message, then a reset', 'answering')],
})
