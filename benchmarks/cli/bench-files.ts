import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { Program } from '../harness/processes.js'

/** A bench program of a tree. */
export interface BenchFile {
  /** `micro/codec/framers`. */
  readonly name: string
  /** The compiled file. */
  readonly file: string
}

/** A bench program and those of its cases that shall run. */
export interface ChosenBench extends BenchFile {
  readonly cases: readonly string[]
  /** About how long they take with `--quick`. */
  readonly seconds: number
}

/** What a bench program prints for `--list`. */
interface Listing {
  readonly cases: readonly string[]
  readonly seconds: number
}

/** The folders of benchmarks/ that hold bench programs, in the order they run. */
const FOLDERS = ['micro', 'alloc', 'macro', 'scaling']

/** A program that has not listed its cases by then does not know `--list`. */
const LIST_MS = 20_000

/** The compiled bench programs below `benchmarks`, the folder of that name in a built tree; those whose source is gone are left out. */
export function benchFiles(benchmarks: string): BenchFile[] {
  return FOLDERS.flatMap((folder) => {
    const compiled = path.join(benchmarks, 'dist', folder)
    if (!existsSync(compiled)) return []
    return readdirSync(compiled, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.bench.js'))
      .map((name) => path.join(folder, name).replaceAll('\\', '/').replace(/\.bench\.js$/, ''))
      .filter((name) => existsSync(path.join(benchmarks, `${name}.bench.ts`)))
      .sort()
      .map((name) => ({ name, file: path.join(benchmarks, 'dist', `${name}.bench.js`) }))
  })
}

/** The cases of a bench program. */
async function listCases({ name, file }: BenchFile): Promise<Listing> {
  const program = new Program([process.execPath, '--expose-gc', file, '--list'], { name: `${name} --list`, endSignal: 'SIGTERM' })
  const lines = await program.end(LIST_MS).finally(() => program.quit())
  const line = lines.findLast((text) => text.startsWith('{'))
  if (line === undefined) throw new Error(`${name} --list printed no list, but: ${lines.join('\n')}`)
  return JSON.parse(line) as Listing
}

/**
 * The bench programs that have one of the words in their names, with all their cases, and of the others those cases that have one
 * of the words in theirs. Upper and lower case count the same. All when there are no words.
 *
 * @param onFailure told of a program that cannot list its cases; it is left out
 */
export async function chooseBenches(
  files: readonly BenchFile[],
  words: readonly string[],
  onFailure: (file: BenchFile, error: Error) => void,
): Promise<ChosenBench[]> {
  const lower = words.map((word) => word.toLowerCase())
  const matches = (text: string): boolean => lower.length === 0 || lower.some((word) => text.toLowerCase().includes(word))
  const chosen = files.map(async (file) => {
    try {
      const listing = await listCases(file)
      return someCases(file, listing, matches(file.name) ? listing.cases : listing.cases.filter(matches))
    } catch (error) {
      onFailure(file, error as Error)
      return []
    }
  })
  return (await Promise.all(chosen)).flat()
}

/** The program with some of its cases; none when there are none. */
export function someCases(file: BenchFile, listing: Listing, cases: readonly string[]): ChosenBench[] {
  return cases.length === 0 ? [] : [{ ...file, cases, seconds: (listing.seconds * cases.length) / listing.cases.length }]
}
