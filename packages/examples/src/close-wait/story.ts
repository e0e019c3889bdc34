// The CLOSE_WAIT story: the same fault in three servers, and what the kernel still holds when all clients have gone.
// node packages/examples/dist/close-wait/story.js --connections 5
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type TcpRow, tcpRows } from '@knotty/testing'
import { readOptions, runAsProgram, wholeNumber } from '../command-line.js'
import { endTogether, exitOnSignals } from '../end-together.js'

/** Where Debian's libnetty-java puts its jars. */
const JARS = '/usr/share/java'
/** Said where {@link closeWaitStory} has no result of Netty's. */
export const NETTY_IS_MISSING = 'Netty is left out: it needs a JDK and Netty\'s jars (Debian: default-jdk-headless, libnetty-java)'
/** How long a server has to accept what its backlog holds; Netty pauses for a second after each connection it could not register. */
const DEADLINE_MS = 8000

/** What is left of the clients' connections on one server. */
export interface CloseWaitResult {
  readonly server: string
  readonly connections: number
  readonly closeWait: number
}

/** Runs the three servers, one after the other; those that this machine has. */
export async function* closeWaitStory(connections: number): AsyncGenerator<CloseWaitResult> {
  const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
  yield await countCloseWait('node:net', process.execPath, [here('node-server.js'), '--port', '0'], connections)
  const classes = mkdtempSync(path.join(tmpdir(), 'knotty-close-wait-'))
  const removeClasses = (): void => rmSync(classes, { recursive: true, force: true })
  process.once('exit', removeClasses)
  try {
    const classPath = compileNettyServer(classes, here('../../src/close-wait/NettyServer.java'))
    if (classPath !== undefined) yield await countCloseWait('Netty', 'java', ['-cp', classPath, 'NettyServer', '0'], connections)
  } finally {
    removeClasses()
    process.removeListener('exit', removeClasses)
  }
  yield await countCloseWait('Knotty', process.execPath, [here('knotty-server.js'), '--port', '0'], connections)
}

/** The class path of the compiled server; undefined where there is no JDK or no Netty (Debian: default-jdk-headless, libnetty-java). */
function compileNettyServer(folder: string, source: string): string | undefined {
  const jars = existsSync(JARS) ? readdirSync(JARS).filter((name) => /^netty-[a-z-]+\.jar$/.test(name)) : []
  if (jars.length === 0) return undefined
  const classPath = [...jars.map((name) => path.join(JARS, name)), folder].join(':')
  return spawnSync('javac', ['-cp', classPath, '-d', folder, source], { stdio: 'ignore' }).status === 0 ? classPath : undefined
}

async function countCloseWait(name: string, command: string, args: readonly string[], connections: number): Promise<CloseWaitResult> {
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  endTogether(server)
  try {
    const port = await listeningPort(server)
    await runClient(port, connections)
    return { server: name, connections, closeWait: await settledCloseWait(port) }
  } finally {
    server.kill('SIGKILL')
  }
}

async function listeningPort(server: ChildProcess): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`the server ended with code ${code}`)))
    server.stdout?.on('data', (text: Buffer) => {
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(text.toString())?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })
}

async function runClient(port: number, connections: number): Promise<void> {
  const file = fileURLToPath(new URL('client.js', import.meta.url))
  const client = spawn(process.execPath, [file, '--port', String(port), '--connections', String(connections)], { stdio: 'ignore' })
  endTogether(client)
  const code = await new Promise<number | null>((resolve) => client.once('exit', resolve))
  if (code !== 0) throw new Error(`the client ended with code ${String(code)}`)
}

/** All clients have hung up: what the server has closed is gone, what nobody owns stays. Waits until each socket is one or the other. */
async function settledCloseWait(port: number): Promise<number> {
  const end = performance.now() + DEADLINE_MS
  for (;;) {
    const rows = tcpRows(port).filter(({ state }) => state !== 'LISTEN' && state !== 'TIME_WAIT')
    if (rows.every(isAbandoned) || performance.now() > end) return rows.filter(isAbandoned).length
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The peer has closed, the process still has the socket; one that waits in the backlog has no inode yet. */
function isAbandoned(row: TcpRow): boolean {
  return row.state === 'CLOSE_WAIT' && row.inode !== '0'
}

async function main(): Promise<void> {
  exitOnSignals()
  const connections = wholeNumber(readOptions({ connections: '5' }).connections, 'connections', 1, 16)
  let nettyRan = false
  console.log(`A handler that is not sharable is given to every connection; ${connections} clients connect, say a word and hang up.`)
  for await (const { server, closeWait } of closeWaitStory(connections)) {
    nettyRan ||= server === 'Netty'
    console.log(`${server.padEnd(10)} sockets left in CLOSE_WAIT: ${closeWait}`)
  }
  if (!nettyRan) console.log(NETTY_IS_MISSING)
}

runAsProgram(import.meta.url, main)
