import process from 'node:process'

/** The progress of a run on standard error: one line that is rewritten on a terminal, one line a bench program elsewhere. */
export class StepLine {
  private readonly seconds: number | undefined
  private readonly start: number = performance.now()

  /** @param seconds about how long all of it takes, where that is known */
  constructor(seconds: number | undefined) {
    this.seconds = seconds
  }

  /** A bench program begins. */
  begin(where: string): void {
    if (process.stderr.isTTY) this.show(where)
    else console.error(`[${where}]`)
  }

  /** The program goes on. */
  step(where: string, step: string): void {
    if (process.stderr.isTTY) this.show(`${where}, ${step}`)
  }

  /** Takes the line away, so that something else can be printed. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
  }

  private show(text: string): void {
    const passed = Math.round((performance.now() - this.start) / 1000)
    const line = `${passed} s${this.seconds === undefined ? '' : ` of about ${this.seconds} s`}  ${text}`
    process.stderr.write(`\r\u001B[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`)
  }
}
