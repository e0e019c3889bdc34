import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { endTogether } from '../end-together.js'

/** A program that is well says everything long before. */
const SAYING_MS = 30_000

/** A program of this package in a process of its own, as a user would start it. */
export class ExampleProcess {
  readonly child: ChildProcess
  private readonly file: string
  private readonly lines: string[] = []
  private waiting: (() => void) | undefined

  /** @param file relative to the folder of the examples */
  constructor(file: string, ...args: string[]) {
    this.file = file
    this.child = fork(new URL(`../${file}`, import.meta.url), args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line)
      this.waiting?.()
    })
    this.child.stderr?.on('data', (text: Buffer) => console.log(`     ${file} says: ${text.toString().trim()}`))
    this.child.once('exit', () => this.waiting?.())
    endTogether(this.child)
  }

  /** Waits until so many of its lines match, and gives them. An error when it ends before, or takes longer than 30 s. */
  async saying(what: RegExp, count = 1): Promise<RegExpExecArray[]> {
    let late = false
    const deadline = setTimeout(() => {
      late = true
      this.waiting?.()
    }, SAYING_MS)
    try {
      return await this.matching(what, count, () => late)
    } finally {
      clearTimeout(deadline)
    }
  }

  private async matching(what: RegExp, count: number, late: () => boolean): Promise<RegExpExecArray[]> {
    for (;;) {
      const matches = this.lines.map((line) => what.exec(line)).filter((match) => match !== null)
      if (matches.length >= count) return matches
      const often = count === 1 ? '' : ` ${count} times`
      if (this.hasEnded) throw new Error(`${this.file} ended before it said ${String(what)}${often}`)
      if (late()) throw new Error(`${this.file} did not say ${String(what)}${often} within ${SAYING_MS} ms`)
      await new Promise<void>((resolve) => (this.waiting = resolve))
    }
  }

  /** The port that a server says it listens on. */
  async port(): Promise<number> {
    const [match] = await this.saying(/^listening on 127\.0\.0\.1:(\d+)$/)
    return Number(match?.[1])
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Sends a signal and waits for the end, which may have come already; the exit code, null when a signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.hasEnded) return this.child.exitCode
    const code = new Promise<number | null>((resolve) => this.child.once('exit', resolve))
    this.child.kill(signal)
    return await code
  }
}
