import { isIP } from 'node:net'
import { IllegalArgumentError, shown } from '@knotty/common'

/** A TCP address. `address` is an IP literal, or a host name that the transport looks up when it connects. */
export class TcpSocketAddress {
  readonly address: string
  readonly port: number
  /** 4 or 6; 0 for a host name. */
  readonly family: 4 | 6 | 0

  constructor(address: string, port: number) {
    this.address = checkHost(address)
    this.port = checkPort(port)
    this.family = isIP(address) as 4 | 6 | 0
  }

  /** The address is a host name still. */
  get isUnresolved(): boolean {
    return this.family === 0
  }

  toString(): string {
    return this.family === 6 ? `[${this.address}]:${this.port}` : `${this.address}:${this.port}`
  }
}

/** sun_path of struct sockaddr_un holds 108 bytes, one of them the final NUL: unix(7). Older lines of Node cut a longer path silently. */
const MAX_UNIX_PATH_BYTES = 107

/**
 * A Unix domain socket: a path in the file system, 107 bytes at most, or on Linux an abstract name, which begins with NUL and has no
 * file.
 */
export class UnixSocketAddress {
  readonly path: string

  constructor(path: string) {
    if (typeof path !== 'string' || path === '' || path.includes('\0', 1)) {
      throw new IllegalArgumentError(`path: ${shown(path)} (expected: a path, or an abstract name that begins with \\0)`)
    }
    const bytes = Buffer.byteLength(path)
    if (bytes > MAX_UNIX_PATH_BYTES) {
      throw new IllegalArgumentError(`path: ${bytes} bytes (expected: at most ${MAX_UNIX_PATH_BYTES}, the limit of a Unix domain socket): ${path.replace('\0', '@')}`)
    }
    this.path = path
  }

  toString(): string {
    return this.path.replace('\0', '@') // as ss and netstat print abstract names
  }
}

/** A place within this process. */
export class LocalSocketAddress {
  readonly localId: string

  constructor(localId: string) {
    if (typeof localId !== 'string') throw new IllegalArgumentError(`localId: ${shown(localId)} (expected: a string)`)
    this.localId = localId
  }

  toString(): string {
    return `local:${this.localId}`
  }
}

/** Where a channel is bound or connected. */
export type SocketAddress = TcpSocketAddress | UnixSocketAddress | LocalSocketAddress

/** What the kernel prints for "any address of this machine": IPv6, IPv4, and the latter on an IPv6 socket. */
const WILDCARDS: ReadonlySet<string> = new Set(['::', '0.0.0.0', '::ffff:0.0.0.0'])

/** True when a listener there takes connections at more than one address. */
export function isWildcard(address: SocketAddress): boolean {
  return address instanceof TcpSocketAddress && WILDCARDS.has(address.address)
}

/** What bind and connect take besides `(port, host)`. */
export type SocketAddressLike =
  | SocketAddress
  | { readonly address: string; readonly port: number }
  | { readonly path: string }
  | { readonly localId: string }

/** The address as an object of its class: an IllegalArgumentError when it is none. */
export function toSocketAddress(address: SocketAddressLike): SocketAddress {
  if (address instanceof TcpSocketAddress || address instanceof UnixSocketAddress || address instanceof LocalSocketAddress) return address
  if (typeof address === 'object' && address !== null) {
    if ('port' in address) return new TcpSocketAddress(address.address, address.port)
    if ('path' in address) return new UnixSocketAddress(address.path)
    if ('localId' in address) return new LocalSocketAddress(address.localId)
  }
  throw new IllegalArgumentError(`address: ${String(address)} (expected: { address, port }, { path } or { localId })`)
}

/** A host name or IP address: Node's own functions take undefined for localhost, which nobody meant. */
function checkHost(address: string): string {
  if (typeof address !== 'string' || address === '') {
    throw new IllegalArgumentError(`address: ${shown(address)} (expected: an IP address or a host name, as in { address, port })`)
  }
  return address
}

/** A port from 0 to 65535: libuv does not check the range itself. */
function checkPort(port: number): number {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new IllegalArgumentError(`port: ${shown(port)} (expected: an integer from 0 to 65535)`)
  }
  return port
}

/** The address itself; an IllegalArgumentError when it is none of a socket. */
export function checkSocketAddress(address: SocketAddress): TcpSocketAddress | UnixSocketAddress {
  if (!(address instanceof LocalSocketAddress)) return address
  throw new IllegalArgumentError(
    `'${address.toString()}': this is a socket channel; for an address within the process pass channel(() => new LocalChannel()), and ` +
      'to a ServerBootstrap channel(() => new LocalServerChannel())',
  )
}
