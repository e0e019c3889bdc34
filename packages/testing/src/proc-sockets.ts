import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import process from 'node:process'
import { UnsupportedOperationError } from '@knotty/common'

/** A row of /proc/net/tcp or tcp6. */
export interface TcpRow {
  readonly localPort: number
  readonly remotePort: number
  /** The kernel's name: LISTEN, ESTABLISHED, CLOSE_WAIT, … */
  readonly state: string
  /** `0` when no process owns the socket any more. */
  readonly inode: string
}

/** include/net/tcp_states.h of Linux, counted from 1. */
const STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
]

/** Inodes of all sockets this process has open. Linux; elsewhere an UnsupportedOperationError. */
export function openSocketInodes(): Set<string> {
  ensureProc()
  const inodes = new Set<string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
      if (inode !== undefined) inodes.add(inode)
    } catch {
      // The descriptor of the directory listing itself is gone by now.
    }
  }
  return inodes
}

/**
 * The TCP sockets of this network namespace whose local port this is, those of other processes included: an accepted socket that
 * somebody has dropped without closing shows as CLOSE_WAIT. Linux; elsewhere an UnsupportedOperationError.
 */
export function tcpRows(localPort: number): TcpRow[] {
  ensureProc()
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    linesWith(readFileSync(file, 'latin1'), `:${localPort.toString(16).toUpperCase().padStart(4, '0')} `)
      .map((line) => line.trim().split(/\s+/))
      .map((columns) => ({
        localPort: portOf(columns[1]),
        remotePort: portOf(columns[2]),
        state: STATES[Number.parseInt(columns[3] as string, 16) - 1] ?? (columns[3] as string),
        inode: columns[9] as string,
      }))
      .filter((row) => row.localPort === localPort),
  )
}

/** Other processes leave tens of thousands of lines in TIME_WAIT, which take longer to cut and parse than all else a test does. */
function linesWith(text: string, what: string): string[] {
  const lines: string[] = []
  for (let at = text.indexOf(what); at >= 0; ) {
    const newline = text.indexOf('\n', at)
    const end = newline < 0 ? text.length : newline
    lines.push(text.slice(text.lastIndexOf('\n', at) + 1, end))
    at = text.indexOf(what, end)
  }
  return lines
}

/** A row of /proc/net/unix. */
export interface UnixRow {
  /** It is the listener; the others of the path were accepted, or wait to be. */
  readonly listens: boolean
  readonly inode: string
}

/** Num, RefCount, Protocol, Flags, Type, St, Inode, Path: which may have spaces. */
const UNIX_LINE = /^\S+ \S+ \S+ (\S+) \S+ \S+\s+(\d+) (.*)$/

/** __SO_ACCEPTCON of Linux. */
const LISTENS = 0x10000

/**
 * The Unix domain sockets that are bound to this path: a listener, and those that came through it. Linux; elsewhere an
 * UnsupportedOperationError.
 */
export function unixRows(path: string): UnixRow[] {
  ensureProc()
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => UNIX_LINE.exec(line))
    .filter((match) => match?.[3] === path)
    .map((match) => ({
      listens: (Number.parseInt(match?.[1] as string, 16) & LISTENS) !== 0,
      inode: match?.[2] as string,
    }))
}

function portOf(address: string | undefined): number {
  return Number.parseInt((address as string).split(':')[1] as string, 16)
}

function ensureProc(): void {
  if (process.platform === 'linux') return
  throw new UnsupportedOperationError(`sockets can be listed on Linux only, where /proc shows them, not on ${process.platform}`)
}
