// Servers under the load generator of macro/load.ts.
import path from 'node:path'
import type { LatencyPercentiles } from '@knotty/bench'
import type { RoundFigure } from '../../../packages/bench/dist/run-cases.js'
import { LOAD_CORE, startNode, startServer } from './processes.js'

const GENERATOR = path.join(import.meta.dirname, '../macro/load.js')
const CEILING_SECONDS = 0.6
/** From this share of its core on, a generator that is busier than its server decides what comes out. */
const BUSY = 0.95

/** A load on an echo server. */
export interface Load {
  /** See macro/load.ts. */
  readonly mode: 'aligned' | 'cut' | 'raw'
  readonly connections: number
  /** Without the header. */
  readonly messageBytes: number
  readonly inFlight: number
}

/** What the generator measured. */
export interface LoadResult {
  readonly messagesPerSecond: number
  /** Round trips of whole batches, in nanoseconds. */
  readonly latency: LatencyPercentiles
  /** Shares of a core, 0 to 1. */
  readonly loadCpu: number
  /** Undefined where the system does not tell. */
  readonly serverCpu?: number
}

/** A server to be loaded: a program that prints `listening on 127.0.0.1:PORT`. */
export interface LoadedServer {
  readonly name: string
  readonly command: readonly string[]
  readonly warmUpSeconds: number
}

/** Messages a second that the generator could send and receive from a server that took no time; of a generator of its own. */
export async function measureCeiling(load: Load): Promise<number> {
  const lines = await generate(load, ['--ceiling', String(CEILING_SECONDS)])
  return (JSON.parse(lines[0]!) as { ceiling: number }).ceiling
}

/** Loads a server that listens on a port of this machine. */
export async function measureLoad(
  port: number,
  load: Load,
  { seconds, warmUpSeconds, serverPid }: { readonly seconds: number; readonly warmUpSeconds: number; readonly serverPid: number | undefined },
): Promise<LoadResult> {
  const args = ['--port', String(port), '--seconds', String(seconds), '--warm-up', String(warmUpSeconds), '--ceiling', '0']
  const lines = await generate(load, serverPid === undefined ? args : [...args, '--server-pid', String(serverPid)])
  return JSON.parse(lines[0]!) as LoadResult
}

/** Starts a server, loads it and ends it. The note tells what server and load took of their cores. */
export async function measureServer(server: LoadedServer, load: Load, seconds: number): Promise<RoundFigure> {
  const { server: program, port } = await startServer(server.command, { name: server.name })
  try {
    const result = await measureLoad(port, load, { seconds, warmUpSeconds: server.warmUpSeconds, serverPid: program.pid })
    return { value: result.messagesPerSecond, latency: result.latency, note: sharesOf(result) }
  } finally {
    await program.stop()
  }
}

/** What server and load took of their cores, and whether the load decided the figure. */
export function sharesOf({ serverCpu, loadCpu }: Pick<LoadResult, 'serverCpu' | 'loadCpu'>): string {
  const percent = (share: number | undefined): string => (share === undefined ? 'an unknown part' : `${Math.round(share * 100)} %`)
  const bound = serverCpu !== undefined && loadCpu >= BUSY && loadCpu > serverCpu
  return `the server took ${percent(serverCpu)} of its core, the load ${percent(loadCpu)}${bound ? ': the load may have been the bottleneck' : ''}`
}

function generate({ mode, connections, messageBytes, inFlight }: Load, args: readonly string[]): Promise<string[]> {
  const shape = ['--mode', mode, '--connections', connections, '--size', messageBytes, '--in-flight', inFlight].map(String)
  const name = `the load of ${connections} connections`
  return startNode([GENERATOR, '--json', ...shape, ...args], { name, core: LOAD_CORE }).end(120_000)
}
