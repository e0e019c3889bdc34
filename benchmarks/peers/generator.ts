import path from 'node:path'
import process from 'node:process'
import { LOAD_CORE, startProgram } from '../harness/processes.js'
import type { EchoLoad } from './cases.js'
import { BENCHMARKS } from './folders.js'

const COMPILED = process.env['KNOTTY_LOADGEN']
/** What a generator may say nothing for, beyond what it measures. */
const GRACE_MS = 20_000

/** The generator of the aligned loads, for people. */
export const GENERATOR: string =
  COMPILED === undefined ? 'Knotty\'s own (benchmarks/macro/load.ts)' : 'KNOTTY_LOADGEN, for the cut batches and what they are compared with Knotty\'s own'

/** Loads the server on a port; gives messages a second. `own` takes Knotty's generator, whatever KNOTTY_LOADGEN says. */
export async function measureLoad(port: number, load: EchoLoad, seconds: number, warmUpSeconds: number, own: boolean): Promise<number> {
  const sizes = [port, load.connections, load.messageBytes, load.inFlight, seconds].map(String)
  const command =
    COMPILED !== undefined && !own
      ? [COMPILED, ...sizes, load.protocol === 'framed' ? '1' : '0', String(warmUpSeconds)]
      : [process.execPath, path.join(BENCHMARKS, 'dist/macro/load.js'), ...sizes, load.cut ? 'cut' : 'aligned']
  const generator = startProgram(command, { name: `the load of ${load.connections} connections`, core: LOAD_CORE })
  try {
    const line = await generator.nextLine((warmUpSeconds + seconds) * 1000 + GRACE_MS)
    const rate = Number.parseFloat(line)
    if (!(rate > 0)) throw new Error(`the load generator printed no rate, but: ${line}`)
    return rate
  } finally {
    await generator.stop()
  }
}
