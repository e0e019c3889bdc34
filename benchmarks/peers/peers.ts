// The echo servers that Knotty is measured against. Each prints `listening on 127.0.0.1:PORT` and serves until it is killed.
import path from 'node:path'
import process from 'node:process'
import type { EchoProtocol } from './echo-protocol.js'
import { BENCHMARKS, PEERS } from './folders.js'
import { bunCommand } from './install.js'
import { libuvCommand } from './libuv-in-c.js'
import { nettyCommand } from './netty.js'

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

/** The names of Knotty's two servers. */
export const KNOTTY = { libuv: 'Knotty libuv', net: 'Knotty net' } as const

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
    name: KNOTTY[transport],
    command: ['env', `KNOTTY_TRANSPORT=${transport}`, node, program, protocol, String(slabBytes)],
    warmUpSeconds: NODE_WARM_UP_SECONDS,
  }))
}

/** The peers on node:net and on Node's TCP handle, which every machine has. */
export function nodePeers(options: PeerOptions = {}): readonly Peer[] {
  const { protocol = 'framed', slabBytes = 65_536, node = process.execPath } = options
  const peer = (name: string, ...args: readonly string[]): Peer => ({ name, command: [node, ...args], warmUpSeconds: NODE_WARM_UP_SECONDS })
  if (protocol === 'raw') return [peer(PEER.naive, path.join(PEERS, 'node-raw-echo.mjs'))]
  const prototype = path.join(BENCHMARKS, 'prototype/slab-echo.mjs')
  return [
    peer(PEER.naive, prototype, '--serve', 'naive'),
    peer(PEER.corked, prototype, '--serve', 'cork'),
    peer(PEER.handle, prototype, '--serve', 'handle', '--slab', String(slabBytes)),
  ]
}

/**
 * The peers that this machine has, and why it does not have the others. Compiles what is to be compiled, once a process, into a
 * temporary folder; installs nothing.
 */
export async function availablePeers(options: PeerOptions = {}): Promise<{ peers: Peer[]; skipped: SkippedPeer[] }> {
  const { protocol = 'framed' } = options
  const peers = [...nodePeers(options)]
  const skipped: SkippedPeer[] = []
  const add = (name: string, found: readonly string[] | string, warmUpSeconds: number): void => {
    if (typeof found === 'string') skipped.push({ name, why: found })
    else peers.push({ name, command: found, warmUpSeconds })
  }
  const bun = bunCommand()
  const missing = 'not installed: npm run bench:peers installs it (linux x64)'
  add(PEER.bun, bun === undefined ? missing : [bun, path.join(PEERS, 'bun-echo.mjs'), protocol], NODE_WARM_UP_SECONDS)
  add(PEER.libuv, await libuvCommand(protocol), NODE_WARM_UP_SECONDS)
  add(PEER.netty, await nettyCommand(protocol), JAVA_WARM_UP_SECONDS)
  return { peers, skipped }
}
