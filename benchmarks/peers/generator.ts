import path from 'node:path'
import process from 'node:process'
import { LOAD_CORE, type Program, startNode, startProgram } from '../harness/processes.js'
import type { EchoLoad } from './cases.js'
import { BENCHMARKS } from './folders.js'

const COMPILED = process.env['KNOTTY_LOADGEN']
const OWN = 'Knotty\'s own, benchmarks/macro/load'
/** What a generator may say nothing for, beyond what it measures. */
const GRACE_MS = 20_000
/** Where no server needs to be. */
const NOBODY = 1

/** Which generator loads the servers, for people. */
export const GENERATOR: string =
  COMPILED === undefined ? OWN : `KNOTTY_LOADGEN (a compiled one); for batches cut at random bytes, and what they are compared with, ${OWN}`

/** A load to put on a server. */
export interface LoadRun {
  readonly port: number
  readonly load: EchoLoad
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Takes Knotty's generator, whatever KNOTTY_LOADGEN says. */
  readonly own: boolean
}

/** Loads a server; gives messages a second. */
export async function measureLoad(run: LoadRun): Promise<number> {
  return COMPILED === undefined || run.own ? await withOwn(run) : await withCompiled(COMPILED, run)
}

async function withCompiled(file: string, { port, load, seconds, warmUpSeconds }: LoadRun): Promise<number> {
  const sizes = [port, load.connections, load.messageBytes, load.inFlight, seconds, load.protocol === 'framed' ? 1 : 0, warmUpSeconds]
  const generator = startProgram([file, ...sizes.map(String)], { name: file, core: LOAD_CORE })
  const line = await firstLine(generator, warmUpSeconds + seconds)
  return checked(Number.parseFloat(line), line)
}

async function withOwn({ port, load, seconds, warmUpSeconds }: LoadRun): Promise<number> {
  const generator = startOwn(load, ['--port', port, '--ceiling', 0, '--seconds', seconds, '--warm-up', warmUpSeconds])
  const line = await firstLine(generator, warmUpSeconds + seconds)
  return checked((JSON.parse(line) as { readonly messagesPerSecond: number }).messagesPerSecond, line)
}

function startOwn(load: EchoLoad, args: readonly (string | number)[]): Program {
  const mode = load.protocol === 'raw' ? 'raw' : load.cut ? 'cut' : 'aligned'
  const sizes = ['--connections', load.connections, '--size', load.messageBytes, '--in-flight', load.inFlight]
  const program = path.join(BENCHMARKS, 'dist/macro/load/load.js')
  return startNode([program, '--json', '--mode', mode, ...[...sizes, ...args].map(String)], { name: 'the load generator', core: LOAD_CORE })
}

async function firstLine(generator: Program, seconds: number): Promise<string> {
  try {
    return await generator.nextLine(seconds * 1000 + GRACE_MS)
  } finally {
    await generator.stop()
  }
}

function checked(rate: number, line: string): number {
  if (rate > 0) return rate
  throw new Error(`the load generator printed no rate, but: ${line}`)
}

/**
 * Messages a second that Knotty's generator could send and take of this load if the server took no time; undefined where another
 * generator loads the servers.
 */
export async function ceilingOf(load: EchoLoad, seconds: number, own: boolean): Promise<number | undefined> {
  if (COMPILED !== undefined && !own) return undefined
  // It measures its ceiling before it connects, and is stopped when it has told it.
  const line = await firstLine(startOwn(load, ['--port', NOBODY, '--ceiling', seconds]), seconds)
  return checked((JSON.parse(line) as { readonly ceiling: number }).ceiling, line)
}
