import { ChannelError } from '../channel/errors.js'
import { type SocketAddress, TcpSocketAddress } from './address.js'
import { resolveByDns } from './connector.js'

/** What the kernel says to bind on an address it does not have: `::` where there is no IPv6. */
const NO_SUCH_ADDRESS: ReadonlySet<unknown> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

export function isNoSuchAddress(error: Error): boolean {
  return NO_SUCH_ADDRESS.has((error as { code?: unknown }).code)
}

/**
 * Where to listen for an address that needs no lookup, in the order to try: the wildcard of IPv4 stands in for that of IPv6, unless
 * IPv6 alone is wanted.
 */
export function bindCandidates(address: SocketAddress, ipv6Only: boolean): readonly SocketAddress[] {
  if (ipv6Only || !(address instanceof TcpSocketAddress) || address.address !== '::') return [address]
  return [address, new TcpSocketAddress('0.0.0.0', address.port)]
}

/** The addresses of a host name, at least one. */
export async function resolveForBind(address: TcpSocketAddress): Promise<readonly TcpSocketAddress[]> {
  const found = await resolveByDns(address.address)
  if (found.length === 0) throw new ChannelError(`bind: no address was found for "${address.address}"`)
  return found.map((each) => new TcpSocketAddress(each, address.port))
}
