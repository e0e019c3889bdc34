// The loads of the comparison, and the ratios that Knotty is to reach in them.
import type { EchoProtocol } from './echo-protocol.js'
import { PEER } from './peers.js'

/** A load on an echo server. */
export interface EchoLoad {
  readonly protocol: EchoProtocol
  readonly connections: number
  readonly messageBytes: number
  /** Messages a connection keeps under way; the next batch leaves when the whole one before has come back. */
  readonly inFlight: number
  /** Whether what is sent at a time ends at a random byte, so that the server has a partial frame at every chunk's end. */
  readonly cut: boolean
}

/** A row of the comparison. */
export interface EchoCase {
  readonly name: string
  readonly load: EchoLoad
  /** Size of the read and write slab of Knotty and of the hand-written handle server. */
  readonly slabBytes: number
  /** Measured with Knotty's libuv server in the same rounds, to compare with. */
  readonly beside?: { readonly name: string; readonly load: EchoLoad }
  readonly targets: readonly Target[]
}

/** A ratio that Knotty on libuv is to reach. */
interface Target {
  /** Another server, or {@link EchoCase.beside}. */
  readonly to: string
  /** What prototypes show to be within reach. */
  readonly must?: number
  /** What we are after. */
  readonly goal?: number
}

const SLAB_BYTES = 65_536
const NOT_CUT = 'Knotty libuv, 64 in flight, not cut'

const small: EchoLoad = { protocol: 'framed', connections: 64, messageBytes: 64, inFlight: 64, cut: false }
const large: EchoLoad = { ...small, connections: 8, messageBytes: 4096, inFlight: 16 }
const raw: EchoLoad = { ...small, protocol: 'raw', inFlight: 1 }

const largeTargets: readonly Target[] = [
  { to: PEER.handle, must: 0.95 },
  { to: PEER.netty, goal: 1 },
  { to: PEER.bun, goal: 1 },
]

/** The rows, in the order they are measured and printed. */
export const ECHO_CASES: readonly EchoCase[] = [
  {
    name: 'framed, 64 connections x 64 B x 64 in flight',
    load: small,
    slabBytes: SLAB_BYTES,
    targets: [{ to: PEER.netty, must: 1.8, goal: 2.5 }, { to: PEER.naive, must: 40 }, { to: PEER.bun, goal: 0.85 }],
  },
  {
    name: 'framed, 64 x 64 B x 63, cut at random bytes',
    load: { ...small, inFlight: 63, cut: true },
    slabBytes: SLAB_BYTES,
    beside: { name: NOT_CUT, load: small },
    targets: [{ to: NOT_CUT, must: 0.8, goal: 0.95 }],
  },
  {
    name: 'framed, 64 x 64 B x 1',
    load: { ...small, inFlight: 1 },
    slabBytes: SLAB_BYTES,
    targets: [{ to: PEER.handle, must: 0.95 }, { to: PEER.netty, goal: 1 }, { to: PEER.libuv, goal: 1 }],
  },
  { name: 'framed, 8 x 4 KiB x 16', load: large, slabBytes: SLAB_BYTES, targets: largeTargets },
  { name: 'framed, 8 x 4 KiB x 16, slabs of 256 KiB', load: large, slabBytes: 1 << 18, targets: largeTargets },
  { name: 'raw, 64 x 64 B x 1', load: raw, slabBytes: SLAB_BYTES, targets: [] },
  { name: 'raw, 64 x 64 B x 16', load: { ...raw, inFlight: 16 }, slabBytes: SLAB_BYTES, targets: [] },
]
