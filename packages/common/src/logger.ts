import process from 'node:process'
import { debuglog } from 'node:util'

/** Where Knotty's own messages go. Each method takes one line without a line end, and the error that belongs to it, if any. */
export interface Logger {
  debug(message: string, error?: unknown): void
  info(message: string, error?: unknown): void
  warn(message: string, error?: unknown): void
  error(message: string, error?: unknown): void
}

function oneLine(error: unknown): string {
  if (error === undefined) return ''
  if (!(error instanceof Error)) return `: ${String(error)}`
  const code = (error as { code?: unknown }).code
  return `: ${error.name}${typeof code === 'string' ? ` [${code}]` : ''}: ${error.message}`
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

/** Replaces where Knotty logs, for this thread; `undefined` brings the default back. */
export function setLogger(logger: Logger | undefined): void {
  current = logger ?? stderrLogger
}

/** The logger in force. */
export function getLogger(): Logger {
  return current
}
