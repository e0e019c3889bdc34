// Child processes of the benchmarks: started here and nowhere else, so that none is left when a run ends, however it ends.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { Program, type ProgramOptions } from '../../../packages/bench/dist/program.js'

export { endPrograms, Program } from '../../../packages/bench/dist/program.js'

/** The core that servers are bound to. */
const SERVER_CORE = 0
/** The core of those who load them. */
export const LOAD_CORE = 1

let pinning: boolean | undefined

/** Whether programs can be bound to cores here: there is `taskset`, and there are two cores for it. */
export function canPin(): boolean {
  pinning ??= availableParallelism() >= 2 && spawnSync('taskset', ['-c', '0,1', process.execPath, '-e', '0']).status === 0
  return pinning
}

/** Options of {@link startProgram}. */
export interface StartOptions extends ProgramOptions {
  /** The core to bind it to, where that is possible. */
  readonly core?: number
}

/** Starts a program: `command` is the file and its arguments. */
export function startProgram(command: readonly string[], options: StartOptions): Program {
  const { core, ...rest } = options
  return new Program(core !== undefined && canPin() ? ['taskset', '-c', String(core), ...command] : command, rest)
}

/** Starts a Node program, with the flags that this process was started with. */
export function startNode(args: readonly string[], options: StartOptions): Program {
  return startProgram([process.execPath, ...args], options)
}

const PORT = /:(\d+)\s*$/

/**
 * Starts a server, which prints a line that ends in `:PORT` (`listening on 127.0.0.1:40123`) once it listens, and gives both. It is
 * bound to a core of its own.
 */
export async function startServer(command: readonly string[], options: StartOptions): Promise<{ server: Program; port: number }> {
  const server = startProgram(command, { core: SERVER_CORE, ...options })
  try {
    const line = await server.nextLine()
    const port = PORT.exec(line)?.[1]
    if (port === undefined) throw new Error(`${options.name} printed no port, but: ${line}`)
    return { server, port: Number(port) }
  } catch (error) {
    await server.stop()
    throw error
  }
}
