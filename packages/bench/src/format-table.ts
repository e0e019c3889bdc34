const FIRST: ReadonlySet<number> = new Set([0])

/**
 * A table as text, two spaces between the columns. Rows may be shorter than the header. Ends without a line break.
 *
 * @param left the columns that stand to the left; the others, which are figures, stand to the right
 */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[], left: ReadonlySet<number> = FIRST): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number): string => (left.has(column) ? text.padEnd(widths[column]!) : text.padStart(widths[column]!))
  const line = (cells: readonly string[]): string => header.map((_, column) => cell(cells[column] ?? '', column)).join('  ').trimEnd()
  return [line(header), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}
