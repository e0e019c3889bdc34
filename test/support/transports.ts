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

/** One way to carry connections, for tests that hold on each of them. */
export interface TestTransport {
  readonly name: string
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

/** The path of a Unix domain socket that nobody uses. */
export function freePath(scope: Pick<LeakScope, 'onEnd'>): string {
  const file = path.join(os.tmpdir(), `knotty-${process.pid}-${++lastPath}.sock`)
  scope.onEnd(() => rmSync(file, { force: true }))
  return file
}

const tcp = (): SocketAddress => new TcpSocketAddress('127.0.0.1', 0)
const unix = (scope: Pick<LeakScope, 'onEnd'>): SocketAddress => new UnixSocketAddress(freePath(scope))
const libuv = { newServer: () => new LibuvServerChannel(), newClient: () => new LibuvSocketChannel() }
const net = { newServer: () => new NetServerChannel(), newClient: () => new NetSocketChannel() }

export const LIBUV_TCP: TestTransport = { name: 'libuv over TCP', parks: NODE_PARKS, ...libuv, address: tcp }
export const NET_TCP: TestTransport = { name: 'net over TCP', parks: false, ...net, address: tcp }
const LIBUV_UNIX: TestTransport = { name: 'libuv over a Unix domain socket', parks: false, ...libuv, address: unix }
const NET_UNIX: TestTransport = { name: 'net over a Unix domain socket', parks: false, ...net, address: unix }
export const LOCAL: TestTransport = {
  name: 'local',
  parks: true,
  newServer: () => new LocalServerChannel(),
  newClient: () => new LocalChannel(),
  address: () => new LocalSocketAddress(''),
}

/** For tests that need one with descriptors, whichever it is. */
export const SOME_TCP: TestTransport = HAS_LIBUV ? LIBUV_TCP : NET_TCP

/** Those that the runtime has. */
export const TCP_TRANSPORTS: readonly TestTransport[] = HAS_LIBUV ? [LIBUV_TCP, NET_TCP] : [NET_TCP]
/** Those with descriptors. */
export const SOCKET_TRANSPORTS: readonly TestTransport[] = [...TCP_TRANSPORTS, ...(HAS_LIBUV ? [LIBUV_UNIX] : []), NET_UNIX]
export const ALL_TRANSPORTS: readonly TestTransport[] = [...SOCKET_TRANSPORTS, LOCAL]
