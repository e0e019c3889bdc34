import { rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import {
  type Channel,
  LibuvServerChannel,
  LibuvSocketChannel,
  LocalChannel,
  LocalServerChannel,
  LocalSocketAddress,
  NetServerChannel,
  NetSocketChannel,
  type ServerChannel,
  type SocketAddress,
  TcpSocketAddress,
  UnixSocketAddress,
} from '@knotty/transport'
import type { LeakScope } from './leak-scope.js'

/** The transports of Knotty, as tests call them: what carries the sockets, behind what they are when that is not TCP. */
export type TestTransportName = 'libuv' | 'net' | 'unix-libuv' | 'unix-net' | 'local'

/** One way to carry connections. */
export interface TestTransport {
  readonly name: TestTransportName
  /** What the channels stand on, as `channel.transport` tells. */
  readonly carrier: 'libuv' | 'net' | 'local'
  readonly family: 'tcp' | 'unix' | 'local'
  /** What a libuv listener on TCP can do on this Node, and a local one on any: keep clients waiting instead of refusing them. */
  readonly parks: boolean
  newServer(): ServerChannel
  newClient(): Channel
  /** An address that is free. */
  address(scope: Pick<LeakScope, 'onEnd'>): SocketAddress
}

/** Bun has no handles of libuv, so only node:net carries sockets there; see test/bun/. */
export const HAS_LIBUV: boolean = process.versions['bun'] === undefined

/** Node can transfer a listening handle to a message port and back. */
export const NODE_PARKS: boolean = HAS_LIBUV && Number(process.versions.node.split('.')[0]) >= 24

let lastPath = 0

/** The path of the `number`-th Unix domain socket of this process; without it of the next. */
export function socketPath(number: number = ++lastPath): string {
  return path.join(os.tmpdir(), `knotty-${process.pid}-${number}.sock`)
}

/** The path of a Unix domain socket that nobody uses. */
export function freePath(scope: Pick<LeakScope, 'onEnd'>): string {
  const file = socketPath()
  scope.onEnd(() => rmSync(file, { force: true }))
  return file
}

const LIBUV = { carrier: 'libuv', newServer: () => new LibuvServerChannel(), newClient: () => new LibuvSocketChannel() } as const
const NET = { carrier: 'net', newServer: () => new NetServerChannel(), newClient: () => new NetSocketChannel() } as const
const TCP = { family: 'tcp', address: () => new TcpSocketAddress('127.0.0.1', 0) } as const
const UNIX = { family: 'unix', address: (scope: Pick<LeakScope, 'onEnd'>) => new UnixSocketAddress(freePath(scope)) } as const

export const LIBUV_TCP: TestTransport = { name: 'libuv', parks: NODE_PARKS, ...LIBUV, ...TCP }
export const NET_TCP: TestTransport = { name: 'net', parks: false, ...NET, ...TCP }
export const LIBUV_UNIX: TestTransport = { name: 'unix-libuv', parks: false, ...LIBUV, ...UNIX }
export const NET_UNIX: TestTransport = { name: 'unix-net', parks: false, ...NET, ...UNIX }
export const LOCAL: TestTransport = {
  name: 'local',
  carrier: 'local',
  family: 'local',
  parks: true,
  newServer: () => new LocalServerChannel(),
  newClient: () => new LocalChannel(),
  address: () => new LocalSocketAddress(''),
}

/** For tests that need one with descriptors, whichever it is. */
export const SOME_TCP: TestTransport = HAS_LIBUV ? LIBUV_TCP : NET_TCP

/** Those that the runtime has. */
export const TCP_TRANSPORTS: readonly TestTransport[] = HAS_LIBUV ? [LIBUV_TCP, NET_TCP] : [NET_TCP]
export const UNIX_TRANSPORTS: readonly TestTransport[] = HAS_LIBUV ? [LIBUV_UNIX, NET_UNIX] : [NET_UNIX]
/** Those with descriptors. */
export const SOCKET_TRANSPORTS: readonly TestTransport[] = [...TCP_TRANSPORTS, ...UNIX_TRANSPORTS]
export const ALL_TRANSPORTS: readonly TestTransport[] = [...SOCKET_TRANSPORTS, LOCAL]
