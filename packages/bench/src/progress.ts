import process from 'node:process'

/** Tells on standard error how far a run is: one line that is rewritten on a terminal, one line a step elsewhere. */
export class Progress {
  private readonly total: number
  private readonly start: number = performance.now()
  private done = 0
  private told = ''

  /** @param total how many steps there will be */
  constructor(total: number) {
    this.total = total
  }

  /** A step begins. */
  step(what: string): void {
    const line = `[${++this.done}/${this.total}] ${what}`
    if (!process.stderr.isTTY) {
      if (line !== this.told) console.error(line)
    } else {
      const seconds = Math.round((performance.now() - this.start) / 1000)
      process.stderr.write(`\r\u001B[K${`${line} (${seconds} s)`.slice(0, (process.stderr.columns ?? 80) - 1)}`)
    }
    this.told = line
  }

  /** Takes the line away, so that something else can be printed. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
  }
}
