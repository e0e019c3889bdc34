import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { endTogether } from '../end-together.js'

/** A program of this package in a process of its own, as a user would start it. */
export class ExampleProcess {
  readonly child: ChildProcess
  private readonly lines: string[] = []
  private waiting: (() => void) | undefined

  /** @param file relative to the folder of the examples */
  constructor(file: string, ...args: string[]) {
    this.child = fork(new URL(`../${file}`, import.meta.url), args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line)
      this.waiting?.()
    })
    this.child.stderr?.on('data', (text: Buffer) => console.log(`     ${file} says: ${text.toString().trim()}`))
    this.child.once('exit', () => this.waiting?.())
    endTogether(this.child)
  }

  /** Waits until so many of its lines match, and gives them. An error when it ends before. */
  async saying(what: RegExp, count = 1): Promise<RegExpExecArray[]> {
    for (;;) {
      const matches = this.lines.map((line) => what.exec(line)).filter((match) => match !== null)
      if (matches.length >= count) return matches
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`${this.child.spawnfile} ended before it said ${String(what)}`)
      await new Promise<void>((resolve) => (this.waiting = resolve))
    }
  }

  /** The port that a server says it listens on. */
  async port(): Promise<number> {
    const [match] = await this.saying(/^listening on 127\.0\.0\.1:(\d+)$/)
    return Number(match?.[1])
  }

  /** Sends a signal and waits for the end; the exit code, null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const code = new Promise<number | null>((resolve) => this.child.once('exit', resolve))
    this.child.kill(signal)
    return await code
  }
}
