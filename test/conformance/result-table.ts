import type { TestTransportName } from '../support/transports.js'
import { type Mode, MODES } from './cell.js'

/** What came of each cell: the inode of the socket it used, or why it was not run. */
export class ResultTable {
  private readonly rows: readonly string[]
  private readonly kits: readonly TestTransportName[]
  private readonly results = new Map<string, string>()

  constructor(rows: readonly string[], kits: readonly TestTransportName[]) {
    this.rows = rows
    this.kits = kits
  }

  set(row: string, kit: TestTransportName, mode: Mode, result: string): void {
    this.results.set(`${row} ${kit} ${mode}`, result)
  }

  /** Cells without a result. */
  missing(): string[] {
    return this.rows.flatMap((row) =>
      this.kits.flatMap((kit) => MODES.map((mode) => `${row} ${kit} ${mode}`).filter((cell) => !this.results.has(cell))),
    )
  }

  /** The table as text; reasons stand below it, each with a letter. */
  lines(): string[] {
    const reasons: string[] = []
    const columns = this.kits.flatMap((kit) => MODES.map((mode) => ({ kit, mode, head: `${kit}(${mode})` })))
    const width = Math.max(...this.rows.map((row) => row.length))
    const line = (first: string, cells: readonly string[]): string =>
      `${first.padEnd(width)} | ${cells.map((cell, index) => cell.padEnd(columns[index]?.head.length ?? 0)).join(' | ')}`
    const body = this.rows.map((row) =>
      line(
        row,
        columns.map(({ kit, mode }) => shorten(this.results.get(`${row} ${kit} ${mode}`) ?? 'not run', reasons)),
      ),
    )
    return [line('scenario', columns.map((column) => column.head)), ...body, ...reasons.map((why, index) => `n/a ${index + 1}: ${why}`)]
  }
}

function shorten(result: string, reasons: string[]): string {
  if (!result.startsWith('n/a: ')) return result
  const why = result.slice('n/a: '.length)
  if (!reasons.includes(why)) reasons.push(why)
  return `n/a ${reasons.indexOf(why) + 1}`
}
