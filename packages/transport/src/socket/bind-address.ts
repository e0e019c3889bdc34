import { ChannelError } from '../channel/errors.js'
import { TcpSocketAddress } from './address.js'
import { resolveByDns } from './connector.js'

/** What the kernel says to bind on an address it does not have: `::` where there is no IPv6. */
export const NO_SUCH_ADDRESS: ReadonlySet<unknown> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

/** The addresses of a host name, at least one. */
export async function resolveForBind(address: TcpSocketAddress): Promise<readonly TcpSocketAddress[]> {
  const found = await resolveByDns(address.address)
  if (found.length === 0) throw new ChannelError(`bind: no address was found for "${address.address}"`)
  return found.map((each) => new TcpSocketAddress(each, address.port))
}

/** Listens on the first address that this machine has: a name may have others (::1 without IPv6). */
export function listenOnFirst(addresses: readonly TcpSocketAddress[], listen: (address: TcpSocketAddress) => void): void {
  const [address, ...others] = addresses as readonly [TcpSocketAddress, ...TcpSocketAddress[]]
  try {
    listen(address)
  } catch (error) {
    if (others.length === 0 || !NO_SUCH_ADDRESS.has((error as { code?: unknown }).code)) throw error
    listenOnFirst(others, listen)
  }
}
