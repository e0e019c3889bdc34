import { isIP } from 'node:net'
import { type SocketAddress, TcpSocketAddress } from '@knotty/transport'

/** An IP address in one spelling: IPv6 in its short form without a zone, an IPv4 address written as IPv6 as the IPv4 one it is. */
export interface IpAddress {
  readonly text: string
  readonly family: 4 | 6
}

/** ::ffff:a.b.c.d as the URL parser writes it: RFC 4291 2.5.5.2, the last 32 bits as two groups of hexadecimal digits. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

/** The address; undefined when the text is none. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const [address = ''] = text.split('%', 1)
  const family = isIP(address)
  if (family === 4 && address !== text) return undefined // only IPv6 has zones
  if (family === 4) return { text: address, family }
  if (family !== 6) return undefined
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1) // the one canonical spelling that Node offers
  const mapped = MAPPED.exec(short)
  if (mapped === null) return { text: short, family }
  const [high, low] = [Number.parseInt(mapped[1] as string, 16), Number.parseInt(mapped[2] as string, 16)]
  return { text: `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`, family: 4 }
}

/** The IP address of a peer; undefined for one without: a Unix domain socket's, or one within the process. */
export function ipAddressOf(address: SocketAddress): IpAddress | undefined {
  return address instanceof TcpSocketAddress ? parseIpAddress(address.address) : undefined
}
