import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'

/** Options of {@link Program}. */
export interface ProgramOptions {
  /** What errors call it. */
  readonly name: string
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Takes what it writes to standard error, as it comes; without it the last of it goes into errors only. */
  readonly onStderr?: (text: string) => void
  /** How it is ended when this process ends (SIGKILL); SIGTERM for a program that has children of its own to end. */
  readonly endSignal?: 'SIGKILL' | 'SIGTERM'
}

/** A program has failed, or said nothing for too long: the message holds the end of its standard error. */
export class ProgramError extends Error {}

/** So much of standard error is kept for error messages. */
const STDERR_CHARS = 4000
/** How long children that were asked to end have before they are killed. */
const END_MS = 3000

const running = new Set<Program>()
let guarded = false
let interrupted = false

/**
 * Never settles once this process has been interrupted, and at once otherwise: whoever waits for a program that was ended by an
 * interruption takes that for no failure, and begins nothing new, in the moment before this process ends.
 */
export function unlessInterrupted(): Promise<void> {
  return interrupted ? new Promise(() => {}) : Promise.resolve()
}

/**
 * A child process that tells what it has to tell in lines on standard output. However this process ends, by itself, by SIGINT,
 * SIGTERM or SIGHUP, its programs are ended before it.
 */
export class Program {
  private readonly child: ChildProcess
  private readonly name: string
  private readonly endSignal: 'SIGKILL' | 'SIGTERM'
  private readonly closed: Promise<void>
  private readonly lines: string[] = []
  private partial = ''
  private stderr = ''
  private heard = 0
  private ended = false
  private failure: Error | undefined
  private changed: (() => void) | undefined

  constructor(command: readonly string[], options: ProgramOptions) {
    const { name, cwd, env, onStderr, endSignal = 'SIGKILL' } = options
    guard()
    if (interrupted) throw new Error(`${name} is not started: this process is about to end`)
    this.name = name
    this.endSignal = endSignal
    const [file, ...args] = command
    this.child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd, env })
    running.add(this)
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.onText(text))
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARS)
      if (!interrupted) onStderr?.(text)
      this.heard++
      this.changed?.()
    })
    this.closed = new Promise((resolve) => {
      const onEnd = (): void => {
        running.delete(this)
        this.ended = true
        if (this.partial !== '') this.onText('\n')
        this.changed?.()
        resolve()
      }
      this.child.once('close', onEnd)
      this.child.once('error', (error) => {
        this.failure = new ProgramError(`${this.name} could not be started: ${error.message}`, { cause: error })
        onEnd()
      })
    })
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  /** The next line of standard output; rejects when the program ends, or says nothing for so long. */
  async nextLine(withinMs: number = 30_000): Promise<string> {
    const deadline = performance.now() + withinMs
    for (let left = withinMs; this.lines.length === 0 && !this.ended && left > 0; left = deadline - performance.now()) {
      await this.change(left)
    }
    await unlessInterrupted()
    const line = this.lines.shift()
    if (line !== undefined) return line
    if (this.ended) throw this.failure ?? this.error(`${this.outcome()} without a further line`)
    throw this.error(`said nothing for ${withinMs} ms`)
  }

  /** Waits until the program has ended with exit code 0 and gives the lines that nobody took; rejects otherwise. See {@link ending}. */
  async end(withinMs: number = 30_000): Promise<string[]> {
    const { lines, code } = await this.ending(withinMs)
    if (code !== 0) throw this.error(this.outcome())
    return lines
  }

  /**
   * Waits until the program has ended, in whatever way, and gives the lines that nobody took. Rejects, and kills it, when nothing at
   * all comes for so long.
   */
  async ending(withinMs: number): Promise<{ lines: string[]; code: number | null }> {
    while (!this.ended) {
      const before = this.heard
      await this.change(withinMs)
      if (!this.ended && this.heard === before) {
        this.kill('SIGKILL')
        throw this.error(`did not end, and said nothing for ${withinMs} ms`)
      }
    }
    await unlessInterrupted()
    if (this.failure !== undefined) throw this.failure
    return { lines: this.lines.splice(0), code: this.child.exitCode }
  }

  /** Kills it, unless it has ended, and waits until it is gone. */
  async stop(): Promise<void> {
    this.kill('SIGKILL')
    await this.closed
  }

  /** Sends a signal to it, unless it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (!this.ended) this.child.kill(signal)
  }

  /** Asks it to end in the way it was started for; the promise is kept when it is gone. */
  quit(): Promise<void> {
    this.kill(this.endSignal)
    return this.closed
  }

  private onText(text: string): void {
    const lines = (this.partial + text).split('\n')
    this.partial = lines.pop()!
    if (lines.length === 0) return
    this.lines.push(...lines)
    this.heard++
    this.changed?.()
  }

  /** Until a line or the end has come, or the time has passed. */
  private change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      const others = this.changed
      this.changed = () => {
        this.changed = undefined
        clearTimeout(timer)
        resolve()
        others?.()
      }
    })
  }

  private outcome(): string {
    const { exitCode, signalCode } = this.child
    return signalCode === null ? `ended with exit code ${exitCode}` : `was ended by ${signalCode}`
  }

  private error(what: string): ProgramError {
    const told = this.stderr.trim()
    return new ProgramError(`${this.name} ${what}${told === '' ? '' : `\n${told.replace(/^/gm, '    ')}`}`)
  }
}

/** Ends all programs and waits, for a limited time, until they are gone. */
export async function endPrograms(): Promise<void> {
  const programs = [...running]
  const timer = setTimeout(() => programs.forEach((program) => program.kill('SIGKILL')), END_MS)
  await Promise.all(programs.map((program) => program.quit()))
  clearTimeout(timer)
}

/** From the first program on, an end of this process is an end of all of them. */
function guard(): void {
  if (guarded) return
  guarded = true
  process.on('exit', () => {
    for (const program of running) void program.quit()
  })
  const onSignal = (signal: NodeJS.Signals, code: number): void => {
    if (interrupted) return
    interrupted = true
    console.error(`${process.stderr.isTTY ? '\r\u001B[K' : ''}interrupted by ${signal}: what runs is ended, nothing is written`)
    void endPrograms().then(() => process.exit(code))
  }
  process.on('SIGINT', () => onSignal('SIGINT', 130))
  process.on('SIGTERM', () => onSignal('SIGTERM', 143))
  process.on('SIGHUP', () => onSignal('SIGHUP', 129))
}
