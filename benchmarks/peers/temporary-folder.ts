import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'

let folder: string | undefined

/** A folder for what is compiled on the fly; it goes when the process does. */
export function temporaryFolder(): string {
  if (folder !== undefined) return folder
  const made = mkdtempSync(path.join(tmpdir(), 'knotty-peers-'))
  process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  folder = made
  return made
}
