import assert from 'node:assert/strict'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { tcpRows, unixRows } from '@knotty/testing'
import {
  type Channel,
  LibuvSocketChannel,
  NetSocketChannel,
  type SocketAddress,
  TcpSocketAddress,
  UnixSocketAddress,
} from '@knotty/transport'
import type { ConnectionKind, ConnectTarget } from './accept-client.js'
import { ProbedLibuvServer, ProbedNetServer, type ProbedChild, type ProbedServer } from './probed-server.js'
import type { TestTransport } from './transports.js'

/** What the sockets are, as the kernel and their peers see it. */
interface Family {
  /** A free address. */
  newAddress(): SocketAddress
  targetOf(server: Channel): ConnectTarget
  /** How a refused connection's peer is called in the log. */
  readonly peerInLog: RegExp
  /** The address of a connection's peer can be read until it is reset; the peers of a Unix domain socket have none. */
  readonly peersHaveAddresses: boolean
  /** A reset needs a byte that the client has not read: write one to each accepted socket. */
  readonly resetsByUnreadBytes: boolean
  /** The inodes of sockets that the server's address still has in the kernel's table although the peers are gone. */
  staleInodes(server: Channel): string[]
  /** At the end of the test file. */
  cleanUp(): void
}

/** A transport as the tests of the accept path see it. */
export interface AcceptCell {
  readonly transport: TestTransport
  readonly family: Family
  /** A connection for each way in which a client can be there, and go. */
  readonly kinds: readonly ConnectionKind[]
  newServer(): ProbedServer
  /** A channel that was never connected, as a child of the server. */
  newChild(server: ProbedServer): ProbedChild
}

const TCP: Family = {
  newAddress: () => new TcpSocketAddress('127.0.0.1', 0),
  targetOf: (server) => ({ host: '127.0.0.1', port: portOf(server) }),
  peerInLog: /^127\.0\.0\.1:\d+$/,
  peersHaveAddresses: true,
  resetsByUnreadBytes: false,
  staleInodes: (server) =>
    tcpRows(portOf(server))
      .filter((row) => row.state === 'CLOSE_WAIT')
      .map((row) => row.inode),
  cleanUp: () => undefined,
}

/** Unix domain sockets in a temporary directory. */
function unixFamily(): Family {
  let directory: string | undefined
  let paths = 0
  return {
    newAddress() {
      directory ??= mkdtempSync(path.join(tmpdir(), 'knotty-accept-'))
      return new UnixSocketAddress(path.join(directory, String(++paths)))
    },
    targetOf: (server) => ({ path: pathOf(server) }),
    peerInLog: /^a Unix domain socket$/,
    peersHaveAddresses: false,
    resetsByUnreadBytes: true,
    // There is no CLOSE_WAIT: a socket whose peer is gone stays "connected". An accepted one has the path of its listener.
    staleInodes: (server) =>
      unixRows(pathOf(server))
        .filter((row) => !row.listens)
        .map((row) => row.inode),
    // Fails when a listener has left its path behind.
    cleanUp: () => directory !== undefined && rmdirSync(directory),
  }
}

/** The cell of one of the transports with sockets. */
export function acceptCell(transport: TestTransport): AcceptCell {
  const net = transport.carrier === 'net'
  return {
    transport,
    family: transport.family === 'unix' ? unixFamily() : TCP,
    kinds: ['silent', 'byte', 'fin', 'reset', 'gone'],
    newServer: () => (net ? new ProbedNetServer() : new ProbedLibuvServer()),
    newChild: (server) => (net ? new NetSocketChannel(server) : new LibuvSocketChannel(server)),
  }
}

function portOf({ localAddress }: Channel): number {
  assert.ok(localAddress instanceof TcpSocketAddress, 'the server is not bound')
  return localAddress.port
}

function pathOf({ localAddress }: Channel): string {
  assert.ok(localAddress instanceof UnixSocketAddress, 'the server is not bound')
  return localAddress.path
}
