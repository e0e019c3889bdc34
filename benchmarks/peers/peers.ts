// The echo servers that Knotty is measured against. Each prints `listening on 127.0.0.1:PORT` and serves until it is killed.
import { existsSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { BENCHMARKS, PEERS } from './folders.js'
import { compileLibuvServer } from './libuv-in-c.js'
import { compileNettyServer } from './netty.js'

/** What the server echoes: frames of a 4-byte big-endian length and the message, or bytes as they come. */
export type EchoProtocol = 'framed' | 'raw'

/** A server to measure. */
export interface Peer {
  readonly name: string
  readonly command: readonly string[]
  /** How long it must be loaded before it is as fast as it gets. */
  readonly warmUpSeconds: number
}

/** What is not on this machine. */
export interface SkippedPeer {
  readonly name: string
  readonly why: string
}

/** Settings of {@link availablePeers}. */
export interface PeerOptions {
  /** `framed`. */
  readonly protocol?: EchoProtocol
  /** Size of the read and write slab, of those who have one (65,536). */
  readonly slabBytes?: number
  /** The Node that runs those on Node (the one of this process). */
  readonly node?: string
}

/** The names of the peers. */
export const PEER = {
  naive: 'naive node:net',
  corked: 'corked node:net',
  handle: 'handle by hand',
  bun: 'Bun.listen by hand',
  libuv: 'libuv in C',
  netty: 'Netty NIO',
} as const

const NODE_WARM_UP_SECONDS = 0.5
const JAVA_WARM_UP_SECONDS = 4

/** Knotty's own two servers: the same program on its two transports. */
export function knottyServers(options: PeerOptions = {}): readonly Peer[] {
  const { protocol = 'framed', slabBytes = 65_536, node = process.execPath } = options
  const program = path.join(BENCHMARKS, 'dist/peers/knotty-echo.js')
  return (['libuv', 'net'] as const).map((transport) => ({
    name: `Knotty ${transport}`,
    command: ['env', `KNOTTY_TRANSPORT=${transport}`, node, program, protocol, String(slabBytes)],
    warmUpSeconds: NODE_WARM_UP_SECONDS,
  }))
}

/**
 * The peers that this machine has, and why it does not have the others. Compiles what is to be compiled, once a process, into a
 * temporary folder; installs nothing.
 */
export async function availablePeers(options: PeerOptions = {}): Promise<{ peers: Peer[]; skipped: SkippedPeer[] }> {
  const { protocol = 'framed', slabBytes = 65_536, node = process.execPath } = options
  const peers: Peer[] = []
  const skipped: SkippedPeer[] = []
  const add = (name: string, found: readonly string[] | string, warmUpSeconds = NODE_WARM_UP_SECONDS): void => {
    if (typeof found === 'string') skipped.push({ name, why: found })
    else peers.push({ name, command: found, warmUpSeconds })
  }

  const prototype = path.join(BENCHMARKS, 'prototype/slab-echo.mjs')
  if (protocol === 'framed') {
    add(PEER.naive, [node, prototype, '--serve', 'naive'])
    add(PEER.corked, [node, prototype, '--serve', 'cork'])
    add(PEER.handle, [node, prototype, '--serve', 'handle', '--slab', String(slabBytes)])
  } else {
    add(PEER.naive, [node, path.join(PEERS, 'node-raw-echo.mjs')])
  }
  const bun = path.join(PEERS, 'node_modules/@oven/bun-linux-x64/bin/bun')
  add(PEER.bun, existsSync(bun) ? [bun, path.join(PEERS, 'bun-echo.mjs'), protocol] : 'not installed (npm run bench:peers installs it)')
  add(PEER.libuv, await compileLibuvServer(protocol))
  add(PEER.netty, await compileNettyServer(protocol), JAVA_WARM_UP_SECONDS)
  return { peers, skipped }
}
