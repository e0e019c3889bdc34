import { parseArgs } from 'node:util'

/** The command line of a bench program. */
export interface RunOptions {
  /** Print the names of the cases and end. */
  readonly list: boolean
  /** Only these cases; all when empty. */
  readonly cases: readonly string[]
  /** Short runs. */
  readonly quick: boolean
  /** Interleaved rounds. */
  readonly rounds: number
  /** Whether the number of rounds was given. */
  readonly roundsGiven: boolean
  /** One BenchResult a line on standard output in the place of a table. */
  readonly json: boolean
  readonly help: boolean
}

/** A mistake on the command line: the message is one line for whoever typed it. */
export class UsageError extends Error {}

const ROUNDS = 5
const QUICK_ROUNDS = 3

/** What `--help` of a bench program prints. */
export const RUN_HELP: string = `Options:
  --list        print the cases as one line of JSON, and measure nothing
  --case NAME   measure only this case; may be given several times
  --quick       short runs, three rounds
  --rounds N    so many interleaved rounds (${ROUNDS}, quick ${QUICK_ROUNDS})
  --json        print one result a line as JSON in the place of a table`

/** The value of `--rounds`. */
export function parseRounds(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`--rounds takes a number from 1 to 9999, not ${JSON.stringify(text)}`)
  return Number(text)
}

/** Reads the arguments behind the program's name; a UsageError names what is wrong with them. */
export function parseRunOptions(args: readonly string[]): RunOptions {
  const { values } = parsed(args)
  const quick = values.quick ?? false
  return {
    list: values.list ?? false,
    cases: values.case ?? [],
    quick,
    rounds: values.rounds === undefined ? (quick ? QUICK_ROUNDS : ROUNDS) : parseRounds(values.rounds),
    roundsGiven: values.rounds !== undefined,
    json: values.json ?? false,
    help: values.help ?? false,
  }
}

/** Those of the known names that were asked for, all when none was. */
export function chosenNames(bench: string, known: readonly string[], asked: readonly string[]): readonly string[] {
  for (const name of asked) {
    if (known.includes(name)) continue
    throw new UsageError(`${bench} has no case ${JSON.stringify(name)}, only ${known.map((each) => JSON.stringify(each)).join(', ')}`)
  }
  return asked.length === 0 ? known : known.filter((name) => asked.includes(name))
}

interface Parsed {
  readonly values: { list?: boolean; case?: string[]; quick?: boolean; rounds?: string; json?: boolean; help?: boolean }
}

function parsed(args: readonly string[]): Parsed {
  try {
    return parseArgs({
      args: [...args],
      options: {
        list: { type: 'boolean' },
        case: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        rounds: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]} (--help lists the options)`)
  }
}
