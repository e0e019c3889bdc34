import assert from 'node:assert/strict'
import { once } from 'node:events'
import { linkSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openSocketInodes, tcpRows, unixRows } from '@knotty/testing'
import { type Channel, TcpSocketAddress } from '@knotty/transport'
import { TCP_TRANSPORTS, type TestTransport, UNIX_TRANSPORTS } from '../support/transports.js'
import type { TransportKit } from './transport-kit.js'

/** Well above what the send and the receive buffer of a loopback connection hold together. */
const STALL_BYTES = 16 << 20

/** TCP on loopback. */
function tcpKit(transport: TestTransport): TransportKit {
  return {
    transport,
    stallBytes: STALL_BYTES,
    bindAddress: () => ({ address: '127.0.0.1', port: 0 }),
    async refusedAddress() {
      const server = net.createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as net.AddressInfo
      server.close()
      await once(server, 'close')
      return { address: '127.0.0.1', port }
    },
    // A full backlog would do as well, but how full is up to the kernel: a name that is never resolved is exact.
    silentAddress: () => ({ address: { address: 'never.resolved', port: 1 }, resolver: () => new Promise<never>(() => undefined) }),
    inode: (channel) => inodeOfHandle(channel) ?? inodeOfTcp(channel),
    cleanUp: () => undefined,
  }
}

/** Unix domain sockets in a temporary directory. */
function unixKit(transport: TestTransport): TransportKit {
  let directory: string | undefined
  let paths = 0
  const freshPath = (): string => {
    directory ??= mkdtempSync(path.join(tmpdir(), 'knotty-conformance-'))
    return path.join(directory, String(++paths))
  }
  return {
    transport,
    stallBytes: STALL_BYTES,
    bindAddress: () => ({ path: freshPath() }),
    // A second name of the socket stays behind when the listener removes the first: connect finds a socket and nobody there.
    async refusedAddress() {
      const [first, second] = [freshPath(), freshPath()]
      const server = net.createServer().listen(first)
      await once(server, 'listening')
      linkSync(first, second)
      server.close()
      await once(server, 'close')
      return { path: second }
    },
    silentAddress: () => undefined,
    inode: (channel) => inodeOfUnix(channel),
    cleanUp: () => directory !== undefined && rmSync(directory, { recursive: true }),
  }
}

/** Those that the runtime has. */
export const TCP_KITS: readonly TransportKit[] = TCP_TRANSPORTS.map(tcpKit)
export const UNIX_KITS: readonly TransportKit[] = UNIX_TRANSPORTS.map(unixKit)

/** A handle of libuv, or what of node:net wraps one. */
interface RawSocket {
  readonly fd?: number
  readonly socket?: RawSocket
  readonly _handle?: RawSocket
}

/**
 * By the descriptor of the handle under the channel, a connection or a listener. (The kernel's table would do without looking inside, but
 * reading it takes 5 ms, and 100 while tens of thousands of connections are in TIME_WAIT, as they are behind the storm.)
 */
function inodeOfHandle(channel: Channel): string | undefined {
  const { socket, handle, server } = channel as unknown as { readonly [field: string]: RawSocket | undefined }
  const raw = socket?.socket ?? socket ?? handle ?? server
  const fd = (raw?._handle ?? raw)?.fd
  return fd === undefined || fd < 0 ? undefined : /\d+/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[0]
}

/** By its row in the kernel's table, and open in this process. */
function inodeOfTcp(channel: Channel): string {
  const { localAddress: local, remoteAddress: remote } = channel
  assert.ok(local instanceof TcpSocketAddress, 'the channel has no local address')
  const port = remote instanceof TcpSocketAddress ? remote.port : 0
  const rows = tcpRows(local.port).filter((row) => row.remotePort === port)
  return openOne(rows.map((row) => row.inode))
}

/** The sockets of a listener have its path in the kernel's table: the listener itself, and those it accepted. */
function inodeOfUnix(channel: Channel): string {
  const listens = channel.parent === undefined
  const address = String((channel.parent ?? channel).localAddress)
  const rows = unixRows(address).filter((row) => row.listens === listens)
  return openOne(rows.map((row) => row.inode))
}

function openOne(inodes: readonly string[]): string {
  const open = openSocketInodes()
  return inodes.findLast((inode) => open.has(inode)) ?? assert.fail('no open socket of this process is the channel')
}
