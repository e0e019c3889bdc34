import { existsSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { startProgram } from '../harness/processes.js'
import { PEERS } from './folders.js'
import type { SkippedPeer } from './peers.js'
import { run } from './run.js'

const BUN = path.join(PEERS, 'node_modules/@oven/bun-linux-x64/bin/bun')
const GRPC = path.join(PEERS, 'node_modules/@grpc/grpc-js/package.json')
const NPM_MS = 300_000

/** The installed Bun; undefined when there is none. */
export function bunCommand(): string | undefined {
  return existsSync(BUN) ? BUN : undefined
}

/** Whether npm has put all that package.json names into benchmarks/peers/node_modules. */
export function isInstalled(): boolean {
  return existsSync(BUN) && existsSync(GRPC)
}

/**
 * Installs what benchmarks/peers/package.json names, into that folder and nowhere else; install scripts do not run. Gives what went
 * wrong, in a line or more, or nothing.
 */
export async function installPeers(): Promise<string | undefined> {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const ended = await run(['npm', 'ci', ...quiet], { cwd: PEERS, withinMs: NPM_MS })
  if (!ended.ok) return ended.missing ? 'there is no npm' : ended.why
  return isInstalled() ? undefined : 'npm left some out: they are not made for this system, or could not be fetched'
}

/**
 * Starts @grpc/grpc-js once. Nothing is measured with it: that is for the RPC package, which does not exist yet. Gives why it is
 * skipped; nothing when it starts.
 */
export async function checkGrpc(): Promise<SkippedPeer | undefined> {
  const name = '@grpc/grpc-js'
  if (!existsSync(GRPC)) return { name, why: 'not installed' }
  const server = startProgram([process.execPath, path.join(PEERS, 'grpc-start.mjs')], { name })
  try {
    const line = await server.nextLine()
    return line.startsWith('listening on ') ? undefined : { name, why: `it does not start: ${line}` }
  } catch (error) {
    return { name, why: (error as Error).message }
  } finally {
    await server.stop()
  }
}

/** `1.4.4`. */
export async function bunVersion(): Promise<string> {
  const ended = await run([BUN, '--version'])
  return ended.ok ? (ended.stdout[0] ?? 'unknown') : 'unknown'
}
