import { existsSync } from 'node:fs'
import process from 'node:process'
import { type Load, measureCeiling, measureLoad as measureOwn } from '../harness/measure-load.js'
import { LOAD_CORE, startProgram } from '../harness/processes.js'
import type { EchoLoad } from './cases.js'

const COMPILED = process.env['KNOTTY_LOADGEN']
const OWN = 'Knotty\'s own, benchmarks/macro/load.ts'
/** What a compiled generator may say nothing for, beyond what it measures. */
const GRACE_MS = 20_000

/** Which generator loads the servers, for people. */
export const GENERATOR: string =
  COMPILED === undefined ? OWN : `KNOTTY_LOADGEN (a compiled one); for batches cut at random bytes, and what they are compared with, ${OWN}`

/** Fails, with a line for whoever set the variable, when KNOTTY_LOADGEN names no file. */
export function checkGenerator(): void {
  if (COMPILED !== undefined && !existsSync(COMPILED)) throw new Error(`KNOTTY_LOADGEN: there is no file ${COMPILED}`)
}

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
  if (COMPILED !== undefined && !run.own) return await withCompiled(COMPILED, run)
  const { port, load, seconds, warmUpSeconds } = run
  return (await measureOwn(port, shapeOf(load), { seconds, warmUpSeconds, serverPid: undefined })).messagesPerSecond
}

/**
 * Messages a second that Knotty's generator could send and take of this load if the server took no time; undefined where another
 * generator loads the servers.
 */
export async function ceilingOf(load: EchoLoad, own: boolean): Promise<number | undefined> {
  return COMPILED !== undefined && !own ? undefined : await measureCeiling(shapeOf(load))
}

function shapeOf({ protocol, cut, connections, messageBytes, inFlight }: EchoLoad): Load {
  return { mode: protocol === 'raw' ? 'raw' : cut ? 'cut' : 'aligned', connections, messageBytes, inFlight }
}

async function withCompiled(file: string, { port, load, seconds, warmUpSeconds }: LoadRun): Promise<number> {
  const sizes = [port, load.connections, load.messageBytes, load.inFlight, seconds, load.protocol === 'framed' ? 1 : 0, warmUpSeconds]
  const generator = startProgram([file, ...sizes.map(String)], { name: 'KNOTTY_LOADGEN', core: LOAD_CORE })
  try {
    const line = await generator.nextLine((warmUpSeconds + seconds) * 1000 + GRACE_MS)
    const rate = Number.parseFloat(line)
    if (!(rate > 0)) throw new Error(`KNOTTY_LOADGEN printed no rate, but: ${line}`)
    return rate
  } finally {
    await generator.stop()
  }
}
