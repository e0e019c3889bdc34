import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** The generated parts of benchmarks/RESULTS.md; what lies outside their markers is written by hand and stays as it is. */
export type SectionName = 'peers' | 'lines'

const beginOf = (name: SectionName): string => `<!-- ${name}:begin -->`
const endOf = (name: SectionName): string => `<!-- ${name}:end -->`

/** The page with what is between the markers of a section replaced. */
export function replaceSection(page: string, name: SectionName, body: string): string {
  const [begin, end] = [beginOf(name), endOf(name)]
  const parts = page.split(begin)
  const [, rest] = parts
  const tail = rest?.split(end)
  if (parts.length !== 2 || tail?.length !== 2) throw new Error(`the page must have one line ${begin} and one line ${end} behind it`)
  return `${parts[0]}${begin}\n\n${body.trim()}\n\n${end}${tail[1]}`
}

/** {@link replaceSection} in a file; a file that does not exist begins with the markers and nothing else. */
export function writeSection(file: string, name: SectionName, body: string): void {
  const page = existsSync(file) ? readFileSync(file, 'utf8') : `# Results\n\n${beginOf(name)}\n${endOf(name)}\n`
  writeFileSync(file, replaceSection(page, name, body))
}

/** Fails, with a sentence for whoever typed the path, when {@link writeSection} could not do its work at the end of a long run. */
export function checkSection(file: string, name: SectionName): void {
  if (!existsSync(file)) return
  try {
    replaceSection(readFileSync(file, 'utf8'), name, '')
  } catch (error) {
    throw new Error(`--write ${file}: ${(error as Error).message}`, { cause: error })
  }
}

/** A table in Markdown: the first column to the left, the others to the right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${header.map((_, index) => cells[index] ?? '').join(' | ')} |`
  return [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
