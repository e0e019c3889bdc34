import process from 'node:process'
import { debuglog } from 'node:util'
import { checkFunction } from './check.js'
import { showValue } from './errors.js'

/** Of a message, in rising order. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where Knotty's own messages go. Each method takes one line without a line end, and the error that belongs to it, if any. */
export interface Logger {
  /** False when messages of this level go nowhere, so that nobody needs to make them. Without it all levels count as enabled. */
  isEnabled?(level: LogLevel): boolean
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

/** How many causes of causes are shown. */
const MAX_CAUSES = 3

/** Name, code, message, the place it was thrown at, and the same of what caused it. */
function show(error: unknown): string {
  let text = ''
  for (let each = error, depth = 0; each !== undefined && depth <= MAX_CAUSES; depth++) {
    text += depth === 0 ? ': ' : '; caused by '
    if (!(each instanceof Error)) return text + showValue(each)
    const code = (each as { code?: unknown }).code
    text += `${each.name}${typeof code === 'string' ? ` [${code}]` : ''}: ${each.message}${placeOf(each)}`
    each = each.cause
  }
  return text
}

/** The first line of the stack. What the network does to a socket (an error with an errno) has no place worth telling. */
function placeOf(error: Error): string {
  if ((error as { errno?: unknown }).errno !== undefined) return ''
  const frame = /\n\s*(at .+)/.exec(error.stack ?? '')?.[1]
  return frame === undefined ? '' : ` (${frame})`
}

const debug = debuglog('knotty')

/** warn and error as one line on stderr; info and debug through util.debuglog, when NODE_DEBUG has `knotty`. */
const stderrLogger: Logger = {
  isEnabled: (level) => level === 'warn' || level === 'error' || (debug.enabled as boolean | undefined) !== false, // Bun does not tell
  debug: (message, error) => debug('%s', oneLine(message, error)),
  info: (message, error) => debug('%s', oneLine(message, error)),
  warn: (message, error) => void process.stderr.write(`knotty warn: ${oneLine(message, error)}\n`),
  error: (message, error) => void process.stderr.write(`knotty error: ${oneLine(message, error)}\n`),
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

let current = stderrLogger

/** Logging is the last thing that is done about an error: a logger that throws must not stop the event loop. */
const guarded: Logger = {
  isEnabled: (level) => isLevelEnabled(current, level),
  debug: (message, error) => quietly(() => current.debug(message, error)),
  info: (message, error) => quietly(() => current.info(message, error)),
  warn: (message, error) => quietly(() => current.warn(message, error)),
  error: (message, error) => quietly(() => current.error(message, error)),
}

/** Whether messages of this level go anywhere; true also when the logger throws at the question. */
export function isLevelEnabled(logger: Logger, level: LogLevel): boolean {
  try {
    return logger.isEnabled?.(level) ?? true
  } catch {
    return true
  }
}

function quietly(log: () => void): void {
  try {
    log()
  } catch {
    // Nobody is left to tell.
  }
}

/**
 * Replaces where Knotty logs, for this thread; `undefined` brings the default back. What the logger throws is dropped; one that lacks a
 * method is an {@link IllegalArgumentError}.
 */
export function setLogger(logger: Logger | undefined): void {
  if (logger) for (const level of LEVELS) checkFunction(logger[level], `logger.${level}`)
  current = logger ?? stderrLogger
}

/** The logger in force; its methods never throw. */
export function getLogger(): Logger {
  return guarded
}
