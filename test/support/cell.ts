import { rmSync } from 'node:fs'
import process from 'node:process'
import { type SocketAddressLike, socketTransport } from '@knotty/transport'
import { LIBUV_TCP, NET_TCP, socketPath, type TestTransport, type TestTransportName } from './transports.js'

let chosen: TestTransport | undefined

/**
 * Chooses what the tests of sockets run over, for all test files that this process loads from now on. Each test file is run over libuv and
 * TCP by itself; the files under test/transport/net and test/transport/unix run them again, having called this first.
 */
export function useCell(transport: TestTransport): void {
  process.env['KNOTTY_TRANSPORT'] = transport.carrier
  chosen = transport
}

/** The present one. */
export function currentCell(): TestTransport {
  return chosen ?? (socketTransport() === 'net' ? NET_TCP : LIBUV_TCP)
}

/** The options of a test that has no meaning over one of these; the reason is told in its place. */
export function notOver(transports: readonly TestTransportName[], reason: string): { skip?: string } {
  const { name } = currentCell()
  return transports.includes(name) ? { skip: `not over ${name}: ${reason}` } : {}
}

/** True where sockets have no addresses, no reset and no options of TCP. */
export function isUnix(): boolean {
  return currentCell().family === 'unix'
}

/** Bytes one read brings at most: of the slab that a test asked for, or what Node's own sockets read at once. */
export function readSize(slabBytes: number): number {
  return currentCell().carrier === 'net' ? 65536 : slabBytes
}

/** Where a server that is about to listen can: over TCP port 0, over Unix a path of its own. */
export function freePlace(): SocketAddressLike {
  if (!isUnix()) return { address: '127.0.0.1', port: 0 }
  const place = socketPath()
  rmSync(place, { force: true })
  return { path: place }
}

/** The port of a listener, or the number of its path. */
export function portOf(address: unknown): number {
  if (!isUnix()) return (address as { port: number }).port
  const listening = typeof address === 'string' ? address : (address as { path: string }).path
  return Number(/-(\d+)\.sock$/.exec(listening)?.[1])
}

/** The place that {@link portOf} has given a number. */
export function placeOf(port: number): { address: string; port: number } | { path: string } {
  return isUnix() ? { path: socketPath(port) } : { address: '127.0.0.1', port }
}
