// Framed echo over loopback: Knotty's whole pipeline beside the hand-written server on the handle, naive node:net, and the real
// Netty where a JDK and Debian's libnetty-java are present. Server and load in processes of their own, pinned to different cores.
//
// Run:   npm run bench -- framed-echo            KNOTTY_LOADGEN=path takes another load generator for the aligned loads
// Read:  messages a second, median of the rounds (min-max), and the ratio to Knotty's in the same round.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'

const ROUNDS = Number(process.env['KNOTTY_BENCH_ROUNDS'] ?? 3)
const SECONDS = Number(process.env['KNOTTY_BENCH_SECONDS'] ?? 1.5)
const JAVA_WARM_UP_SECONDS = 3

interface Shape {
  readonly name: string
  readonly connections: number
  readonly messageBytes: number
  readonly inFlight: number
  readonly cut: boolean
}

const SHAPES: readonly Shape[] = [
  { name: '64 connections x 64 B x 64 in flight', connections: 64, messageBytes: 64, inFlight: 64, cut: false },
  { name: '64 x 64 B x 63, cut at random bytes', connections: 64, messageBytes: 64, inFlight: 63, cut: true },
  { name: '64 x 64 B x 1', connections: 64, messageBytes: 64, inFlight: 1, cut: false },
  { name: '8 x 4 KiB x 16', connections: 8, messageBytes: 4096, inFlight: 16, cut: false },
]

const here = import.meta.dirname
const prototype = path.resolve(here, '../../prototype/slab-echo.mjs')
const pinned = spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

interface Server {
  readonly name: string
  readonly command: readonly string[]
  readonly warmUpSeconds: number
}

function start(core: number, command: readonly string[]): ChildProcess {
  const [file, ...args] = pinned ? ['taskset', '-c', String(core), ...command] : command
  return spawn(file as string, args, { stdio: ['ignore', 'pipe', 'ignore'] })
}

/** The class path of Debian's Netty and the compiled server; undefined, with the reason told, when something is missing. */
function compileNetty(folder: string): readonly string[] | undefined {
  const jars = existsSync('/usr/share/java') ? readdirSync('/usr/share/java').filter((name) => /^netty-(?!.*\d\.jar).*\.jar$/.test(name)) : []
  if (jars.length === 0 || spawnSync('javac', ['-version']).status !== 0) {
    console.log('Netty is left out: it needs a JDK and libnetty-java')
    return undefined
  }
  const classPath = [...jars.map((name) => `/usr/share/java/${name}`), folder].join(':')
  const source = path.resolve(here, '../../macro/NettyEchoServer.java')
  const { status, stderr } = spawnSync('javac', ['-cp', classPath, '-d', folder, source], { encoding: 'utf8' })
  if (status === 0) return ['java', '-Xmx512m', '-cp', classPath, 'NettyEchoServer']
  console.log(`Netty is left out: its server does not compile: ${stderr}`)
  return undefined
}

async function rate(server: Server, shape: Shape): Promise<number> {
  const child = start(0, server.command)
  try {
    const [line] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer]
    const port = /:(\d+)/.exec(line.toString())?.[1] as string
    if (server.warmUpSeconds > 0) await load(port, shape, server.warmUpSeconds)
    return await load(port, shape, SECONDS)
  } finally {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

async function load(port: string, shape: Shape, seconds: number): Promise<number> {
  const sizes = [port, shape.connections, shape.messageBytes, shape.inFlight, seconds].map(String)
  const generator = process.env['KNOTTY_LOADGEN']
  const command =
    generator !== undefined && !shape.cut
      ? [generator, ...sizes, '1', '0.5']
      : [process.execPath, path.join(here, 'load.js'), ...sizes, shape.cut ? 'cut' : 'aligned']
  const child = start(1, command)
  const [line] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer]
  return Number.parseFloat(line.toString())
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

const thousands = (value: number): string => `${Math.round(value / 1000)}k`

async function compare(servers: readonly Server[]): Promise<void> {
  for (const shape of SHAPES) {
    console.log(shape.name)
    const rates = new Map<string, number[]>(servers.map((server) => [server.name, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) rates.get(server.name)?.push(await rate(server, shape))
    }
    const knotty = rates.get('Knotty') as number[]
    for (const { name } of servers) {
      const values = rates.get(name) as number[]
      const ratios = values.map((value, index) => (knotty[index] as number) / value)
      const range = `(${thousands(Math.min(...values))}-${thousands(Math.max(...values))})`
      const ratio = name === 'Knotty' ? '' : `Knotty is ${median(ratios).toFixed(2)} x (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`
      console.log(`  ${name.padEnd(16)}${thousands(median(values)).padStart(7)} ${range.padEnd(16)} ${ratio}`)
    }
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'knotty-bench-'))
try {
  const node = process.execPath
  const netty = compileNetty(folder)
  await compare([
    { name: 'Knotty', command: [node, path.join(here, 'echo-server.js')], warmUpSeconds: 0 },
    { name: 'handle by hand', command: [node, prototype, '--serve', 'handle'], warmUpSeconds: 0 },
    { name: 'naive node:net', command: [node, prototype, '--serve', 'naive'], warmUpSeconds: 0 },
    ...(netty === undefined ? [] : [{ name: 'Netty NIO', command: netty, warmUpSeconds: JAVA_WARM_UP_SECONDS }]),
  ])
} finally {
  rmSync(folder, { recursive: true })
}
