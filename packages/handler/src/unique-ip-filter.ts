import type { ChannelHandlerContext, SocketAddress } from '@knotty/transport'
import { AbstractRemoteAddressFilter } from './abstract-remote-address-filter.js'
import { ipAddressOf } from './ip-address.js'

/**
 * One connection for each IP address at a time; others are rejected while it lasts. One filter for all connections of a server. A peer
 * without IP address (a Unix domain socket, a channel within the process) is always accepted.
 */
export class UniqueIpFilter extends AbstractRemoteAddressFilter {
  private readonly connected = new Set<string>()

  protected override accept(ctx: ChannelHandlerContext, remoteAddress: SocketAddress): boolean {
    const address = ipAddressOf(remoteAddress)
    if (address === undefined) return true
    const { text } = address
    if (this.connected.has(text)) return false
    this.connected.add(text)
    ctx.channel.closeFuture.addListener(() => this.connected.delete(text))
    return true
  }
}
