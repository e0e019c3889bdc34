import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** What a program of a story can be told: `--port`, `--host` and further options, each with a default. */
export function readOptions<D extends Readonly<Record<string, string>>>(defaults: D): { readonly [K in keyof D]: string } {
  try {
    const options = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: 'string' as const, default: value }]))
    const { values } = parseArgs({ options })
    return values as { readonly [K in keyof D]: string }
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

/** An option that is a whole number from `min` to `max`; says what is wrong and ends the process otherwise. */
export function wholeNumber(text: string, name: string, min: number, max: number): number {
  const value = Number(text)
  if (text !== '' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  return wrongUsage(`--${name} ${text}: a whole number from ${min} to ${max}`)
}

/** The port of `--port`; 0 lets the system choose one. */
export function portNumber(text: string): number {
  return wholeNumber(text, 'port', 0, 65_535)
}

/** Runs `main` when the module is the program that was started, not when it is imported. A failure is told in one line, with code 1. */
export function runAsProgram(moduleUrl: string, main: () => Promise<void>): void {
  if (!isStarted(moduleUrl)) return
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}

/** True for the module that node was told to run, by whatever path: through a symbolic link, or without `.js`. */
function isStarted(moduleUrl: string): boolean {
  const [, started] = process.argv
  if (started === undefined) return false
  try {
    return createRequire(moduleUrl).resolve(started) === fileURLToPath(moduleUrl) // finds the file as node does: the real one
  } catch {
    return false // node -e has no file, and its first argument may be anything
  }
}

/** Tells what is wrong with how the program was called, and ends it with code 2. */
export function wrongUsage(message: string): never {
  console.error(message)
  process.exit(2)
}
