import process from 'node:process'
import { measureLoad as measureOwn } from '../harness/measure-load.js'
import { LOAD_CORE, startProgram } from '../harness/processes.js'
import type { EchoLoad } from './cases.js'

const COMPILED = process.env['KNOTTY_LOADGEN']
/** What a generator may say nothing for, beyond what it measures. */
const GRACE_MS = 20_000

/** The generator of the aligned loads, for people. */
export const GENERATOR: string =
  COMPILED === undefined ? 'Knotty\'s own (benchmarks/macro/load.ts)' : 'KNOTTY_LOADGEN, for the cut batches and what they are compared with Knotty\'s own'

/** Loads the server on a port; gives messages a second. `own` takes Knotty's generator, whatever KNOTTY_LOADGEN says. */
export async function measureLoad(port: number, load: EchoLoad, seconds: number, warmUpSeconds: number, own: boolean): Promise<number> {
  const { protocol, cut, connections, messageBytes, inFlight } = load
  if (COMPILED === undefined || own) {
    const mode = protocol === 'raw' ? 'raw' : cut ? 'cut' : 'aligned'
    const shape = { mode, connections, messageBytes, inFlight } as const
    return (await measureOwn(port, shape, { seconds, warmUpSeconds, serverPid: undefined })).messagesPerSecond
  }
  const sizes = [port, connections, messageBytes, inFlight, seconds].map(String)
  const command = [COMPILED, ...sizes, protocol === 'framed' ? '1' : '0', String(warmUpSeconds)]
  const generator = startProgram(command, { name: `the load of ${connections} connections`, core: LOAD_CORE })
  try {
    const line = await generator.nextLine((warmUpSeconds + seconds) * 1000 + GRACE_MS)
    const rate = Number.parseFloat(line)
    if (!(rate > 0)) throw new Error(`the load generator printed no rate, but: ${line}`)
    return rate
  } finally {
    await generator.stop()
  }
}
