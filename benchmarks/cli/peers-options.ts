import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** The command line of `npm run bench:peers`. */
export interface PeersOptions {
  readonly help: boolean
  /** Interleaved rounds. */
  readonly rounds: number
  /** How long a server is measured in a round. */
  readonly seconds: number
  /** Only peers whose names contain one of these; all when empty. */
  readonly only: readonly string[]
  /** Only cases whose names contain one of these; all when empty. */
  readonly cases: readonly string[]
  /** Whether to install what is missing. */
  readonly install: boolean
  /** Where to write the results as JSON. */
  readonly json: string | undefined
  /** The page whose generated part is to be replaced. */
  readonly write: string | undefined
  /** Compare Node lines in the place of peers. */
  readonly lines: boolean
  /** Further Nodes to compare. */
  readonly nodes: readonly string[]
  /** What reproduces the run, without names of this machine. */
  readonly command: string
}

/** What is wrong with the command line, in one line. */
export class UsageError extends Error {}

const FULL = { rounds: 5, seconds: 2 }
const QUICK = { rounds: 1, seconds: 0.5 }
const MAX_ROUNDS = 999
const MAX_SECONDS = 600

/** What --help prints. */
export const PEERS_HELP = `npm run bench:peers [-- OPTIONS]

Measures Knotty's echo server, on both transports, beside what others offer: node:net as most people write it and corked, a server on
Node's TCP handle, one on Bun.listen and one on libuv in C, all by hand, and Netty NIO. Servers run on core 0, the load on core 1.
What npm can install goes to benchmarks/peers/node_modules; Netty needs a JDK and Debian's libnetty-java. What is missing is named.

  --quick         ${QUICK.rounds} round of ${QUICK.seconds} s in the place of ${FULL.rounds} of ${FULL.seconds} s: to see that it works
  --rounds N      so many interleaved rounds
  --seconds S     so long for each server in each round
  --only TEXT     only peers whose names contain it (several times: one of them); Knotty is always measured
  --case TEXT     only cases whose names contain it (several times: one of them)
  --no-install    install nothing, measure what is there
  --json FILE     write all figures to a file
  --write FILE    put the tables into a page, between <!-- peers:begin --> and <!-- peers:end -->, the rest of the page stays:
                  npm run bench:peers -- --write benchmarks/RESULTS.md
  --lines         compare the Node lines 20, 22, 24 and 26 in the place of peers, fetched by npm on demand; with --write the tables
                  go between <!-- lines:begin --> and <!-- lines:end -->
  --node PATH     compare this Node too (several times: all of them); without --lines only these
  --help          this text

KNOTTY_LOADGEN=FILE takes a compiled load generator in the place of Knotty's own for whole batches. It is called with
PORT CONNECTIONS MESSAGE_BYTES IN_FLIGHT SECONDS FRAMED(0|1) WARM_UP_SECONDS and prints messages a second.`

/** Reads the arguments; a {@link UsageError} names what is wrong with them. */
export function parsePeersOptions(args: readonly string[]): PeersOptions {
  const values = parsed(args)
  const base = values.quick === true ? QUICK : FULL
  const nodes = values.node ?? []
  for (const node of nodes) if (!existsSync(node)) throw new UsageError(`--node ${node}: there is no such file`)
  const options = {
    help: values.help ?? false,
    rounds: numberOf('--rounds', values.rounds, base.rounds, MAX_ROUNDS),
    seconds: numberOf('--seconds', values.seconds, base.seconds, MAX_SECONDS),
    only: values.only ?? [],
    cases: values.case ?? [],
    install: values['no-install'] !== true,
    json: values.json,
    write: values.write,
    lines: values.lines ?? false,
    nodes,
  }
  if (!Number.isInteger(options.rounds)) throw new UsageError(`--rounds takes a whole number, not ${options.rounds}`)
  return { ...options, command: commandOf(options) }
}

function numberOf(name: string, text: string | undefined, otherwise: number, max: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!(value > 0 && value <= max)) throw new UsageError(`${name} takes a number above 0 and up to ${max}, not ${JSON.stringify(text)}`)
  return value
}

function commandOf(options: Omit<PeersOptions, 'command'>): string {
  const words = [
    ...(options.lines ? ['--lines'] : []),
    ...options.nodes.map(() => '--node PATH'),
    ...options.cases.map((name) => `--case ${JSON.stringify(name)}`),
    ...options.only.map((name) => `--only ${JSON.stringify(name)}`),
    ...(options.rounds === FULL.rounds ? [] : [`--rounds ${options.rounds}`]),
    ...(options.seconds === FULL.seconds ? [] : [`--seconds ${options.seconds}`]),
    ...(options.write === undefined ? [] : ['--write benchmarks/RESULTS.md']),
  ]
  return ['npm run bench:peers', ...(words.length === 0 ? [] : ['--', ...words])].join(' ')
}

interface Values {
  readonly [name: string]: string | boolean | string[] | undefined
  readonly quick?: boolean
  readonly rounds?: string
  readonly seconds?: string
  readonly only?: string[]
  readonly case?: string[]
  readonly 'no-install'?: boolean
  readonly json?: string
  readonly write?: string
  readonly lines?: boolean
  readonly node?: string[]
  readonly help?: boolean
}

function parsed(args: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        only: { type: 'string', multiple: true },
        case: { type: 'string', multiple: true },
        'no-install': { type: 'boolean' },
        json: { type: 'string' },
        write: { type: 'string' },
        lines: { type: 'boolean' },
        node: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]} (--help lists the options)`)
  }
}
