import process from 'node:process'
import { debuglog } from 'node:util'
import { showValue } from './errors.js'

/** Where Knotty's own messages go. Each method takes one line without a line end, and the error that belongs to it, if any. */
export interface Logger {
  debug(message: string, error?: unknown): void
  info(message: string, error?: unknown): void
  warn(message: string, error?: unknown): void
  error(message: string, error?: unknown): void
}

/** Control characters, and what else ends a line: text of a peer must not be able to forge a line, or to drive a terminal. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g

/** One line whatever message and error carry. */
function oneLine(message: string, error: unknown): string {
  return `${message}${show(error)}`.replace(UNPRINTABLE, ' ')
}

function show(error: unknown): string {
  if (error === undefined) return ''
  if (!(error instanceof Error)) return `: ${showValue(error)}`
  const code = (error as { code?: unknown }).code
  return `: ${error.name}${typeof code === 'string' ? ` [${code}]` : ''}: ${error.message}`
}

const debug = debuglog('knotty')

/** warn and error as one line on stderr; info and debug when NODE_DEBUG has `knotty`. */
const stderrLogger: Logger = {
  debug: (message, error) => debug('%s', oneLine(message, error)),
  info: (message, error) => debug('%s', oneLine(message, error)),
  warn: (message, error) => void process.stderr.write(`knotty warn: ${oneLine(message, error)}\n`),
  error: (message, error) => void process.stderr.write(`knotty error: ${oneLine(message, error)}\n`),
}

let current = stderrLogger

/** Logging is the last thing that is done about an error: a logger that throws must not stop the event loop. */
const guarded: Logger = {
  debug: (message, error) => quietly(() => current.debug(message, error)),
  info: (message, error) => quietly(() => current.info(message, error)),
  warn: (message, error) => quietly(() => current.warn(message, error)),
  error: (message, error) => quietly(() => current.error(message, error)),
}

function quietly(log: () => void): void {
  try {
    log()
  } catch {
    // Nobody is left to tell.
  }
}

/** Replaces where Knotty logs, for this thread; `undefined` brings the default back. What the logger throws is dropped. */
export function setLogger(logger: Logger | undefined): void {
  current = logger ?? stderrLogger
}

/** The logger in force; its methods never throw. */
export function getLogger(): Logger {
  return guarded
}
