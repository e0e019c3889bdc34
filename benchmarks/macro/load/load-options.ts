import { parseArgs } from 'node:util'

/**
 * What the generator sends: `aligned`, whole length-prefixed frames; `cut`, the same stream of frames, but each batch ends at a random
 * byte, so that the server has a partial frame at every chunk's end; `raw`, messages without a header.
 */
export type LoadMode = 'aligned' | 'cut' | 'raw'

/** Settings of the load generator. */
export interface LoadOptions {
  readonly mode: LoadMode
  /** Of 127.0.0.1; undefined with {@link unix}, or when only the ceiling is measured. */
  readonly port: number | undefined
  readonly unix: string | undefined
  readonly connections: number
  /** Bytes of a message, without its header. */
  readonly size: number
  /** Messages of a batch: each connection sends the next batch when the whole one before has come back. */
  readonly inFlight: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** During the first half of the warm-up the batches grow from one message to {@link inFlight}. */
  readonly slowStart: boolean
  /** How long the ceiling is measured; 0: it is not. */
  readonly ceilingSeconds: number
  /** Whose share of a core is reported beside the generator's own. */
  readonly serverPid: number | undefined
  readonly json: boolean
}

export const LOAD_HELP = `Closed-loop load on an echo server:
  --port N           of 127.0.0.1, or --unix PATH; without either only the generator's own ceiling is measured
  --connections N    (64)
  --size BYTES       of a message, without its header (64)
  --in-flight N      messages a connection sends at once, when all before have come back (64)
  --seconds S        measured (2), after --warm-up S (0.5)
  --mode M           aligned: whole frames; cut: batches end at a random byte; raw: no frames (aligned)
  --slow-start       batches grow during the first half of the warm-up
  --ceiling S        for so long the generator first measures its own ceiling; 0: never (0.5)
  --server-pid N     report the share of a core that this process took, too
  --json             one JSON object a line`

/** Reads the command line; an Error names what is wrong with it. */
export function parseLoadOptions(args: readonly string[]): LoadOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      unix: { type: 'string' },
      connections: { type: 'string', default: '64' },
      size: { type: 'string', default: '64' },
      'in-flight': { type: 'string', default: '64' },
      seconds: { type: 'string', default: '2' },
      'warm-up': { type: 'string', default: '0.5' },
      mode: { type: 'string', default: 'aligned' },
      'slow-start': { type: 'boolean', default: false },
      ceiling: { type: 'string', default: '0.5' },
      'server-pid': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const { mode, unix } = values
  const port = values.port === undefined ? undefined : count(values.port, '--port')
  if (mode !== 'aligned' && mode !== 'cut' && mode !== 'raw') throw new Error(`--mode: ${mode} (expected: aligned, cut or raw)`)
  if (port !== undefined && (port > 65_535 || unix !== undefined)) throw new Error(`--port: ${port} (expected: 1 to 65535, and no --unix)`)
  return {
    mode,
    port,
    unix,
    connections: count(values.connections, '--connections'),
    size: count(values.size, '--size'),
    inFlight: count(values['in-flight'], '--in-flight'),
    seconds: duration(values.seconds, '--seconds'),
    warmUpSeconds: duration(values['warm-up'], '--warm-up'),
    slowStart: values['slow-start'],
    ceilingSeconds: duration(values.ceiling, '--ceiling'),
    serverPid: values['server-pid'] === undefined ? undefined : count(values['server-pid'], '--server-pid'),
    json: values.json,
  }
}

function count(text: string, name: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`${name}: ${text} (expected: a whole number above 0)`)
}

function duration(text: string, name: string): number {
  const value = Number(text)
  if (text !== '' && value >= 0 && value <= 3600) return value
  throw new Error(`${name}: ${text} (expected: seconds, 0 to 3600)`)
}
