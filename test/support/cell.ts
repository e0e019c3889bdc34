import { rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { type SocketAddressLike, socketTransport } from '@knotty/transport'

/**
 * What the tests of sockets run over: a transport, and TCP or Unix domain sockets. Each test file is run over libuv and TCP by itself;
 * the files under test/transport/net and test/transport/unix run them again, having called {@link useCell} first.
 */
export type Cell = 'libuv' | 'net' | 'libuv-unix' | 'net-unix'

let unix = false
let lastPath = 0

/** Chooses for all test files that this process loads from now on. */
export function useCell(cell: Cell): void {
  process.env['KNOTTY_TRANSPORT'] = cell.startsWith('net') ? 'net' : 'libuv'
  unix = cell.endsWith('unix')
}

/** The present one. */
export function currentCell(): Cell {
  return unix ? `${socketTransport()}-unix` : socketTransport()
}

/** The options of a test that has no meaning over one of these cells; the reason is told in its place. */
export function notOver(cells: readonly Cell[], reason: string): { skip?: string } {
  return cells.includes(currentCell()) ? { skip: `not over ${currentCell()}: ${reason}` } : {}
}

/** True where sockets have no addresses, no reset and no options of TCP. */
export function isUnix(): boolean {
  return unix
}

/** Bytes one read brings at most: of the slab that a test asked for, or what Node's own sockets read at once. */
export function readSize(slabBytes: number): number {
  return socketTransport() === 'net' ? 65536 : slabBytes
}

/** Where a server that is about to listen can: over TCP port 0, over Unix a path of its own. */
export function freePlace(): SocketAddressLike {
  if (!unix) return { address: '127.0.0.1', port: 0 }
  const place = pathOf(++lastPath)
  rmSync(place, { force: true })
  return { path: place }
}

/** The port of a listener, or the number of its path. */
export function portOf(address: unknown): number {
  if (!unix) return (address as { port: number }).port
  const listening = typeof address === 'string' ? address : (address as { path: string }).path
  return Number(/-(\d+)\.sock$/.exec(listening)?.[1])
}

/** The place that {@link portOf} has given a number. */
export function placeOf(port: number): { address: string; port: number } | { path: string } {
  return unix ? { path: pathOf(port) } : { address: '127.0.0.1', port }
}

function pathOf(number: number): string {
  return path.join(os.tmpdir(), `knotty-${process.pid}-${number}.sock`)
}
