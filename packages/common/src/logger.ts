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

/** One line whatever the error carries: text of a peer must not be able to forge a second one. */
function oneLine(error: unknown): string {
  if (error === undefined) return ''
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  const text = error instanceof Error ? `${error.name}${typeof code === 'string' ? ` [${code}]` : ''}: ${error.message}` : showValue(error)
  return `: ${text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ')}`
}

const debug = debuglog('knotty')

/** warn and error as one line on stderr; info and debug when NODE_DEBUG has `knotty`. */
const stderrLogger: Logger = {
  debug: (message, error) => debug('%s%s', message, oneLine(error)),
  info: (message, error) => debug('%s%s', message, oneLine(error)),
  warn: (message, error) => void process.stderr.write(`knotty warn: ${message}${oneLine(error)}\n`),
  error: (message, error) => void process.stderr.write(`knotty error: ${message}${oneLine(error)}\n`),
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
