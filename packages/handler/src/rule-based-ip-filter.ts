import { checkOptions } from '@knotty/common'
import type { ChannelHandlerContext, SocketAddress } from '@knotty/transport'
import { AbstractRemoteAddressFilter, type RemoteAddressFilterOptions } from './abstract-remote-address-filter.js'
import { ipAddressOf } from './ip-address.js'
import { type IpFilterRule, IpRules } from './ip-rules.js'

/** Options of {@link RuleBasedIpFilter}. */
export interface RuleBasedIpFilterOptions extends RemoteAddressFilterOptions {
  /** The first that matches decides. */
  readonly rules: readonly IpFilterRule[]
  /** What is done with an address that no rule matches (true: accepted). */
  readonly acceptIfNotFound?: boolean
}

/**
 * Accepts and rejects connections by rules on the peer's IP address.
 *
 *     const filter = new RuleBasedIpFilter({                           // one for all connections
 *       rules: [{ address: '10.0.0.13', type: 'reject' }, { address: '10.0.0.0/8', type: 'accept' }],
 *       acceptIfNotFound: false,
 *     })
 *     bootstrap.childHandler((ch) => { ch.pipeline.addLast(filter, …) })
 *
 * An IPv4 address is the same written as IPv6 (`::ffff:10.0.0.1`, what a server on `::` sees), in rules as in peers; other IPv6 rules
 * match no IPv4 peer. A peer without IP address (a Unix domain socket, a channel within the process) matches no rule:
 * `acceptIfNotFound` decides. Behind a proxy the peer is the proxy.
 */
export class RuleBasedIpFilter extends AbstractRemoteAddressFilter {
  private readonly rules: IpRules
  private readonly acceptIfNotFound: boolean

  /** An IllegalArgumentError names the rule that is none. */
  constructor(options: RuleBasedIpFilterOptions) {
    checkOptions(options, 'new RuleBasedIpFilter({ rules })')
    super(options)
    this.rules = new IpRules(options.rules)
    this.acceptIfNotFound = options.acceptIfNotFound ?? true
  }

  protected override accept(_ctx: ChannelHandlerContext, remoteAddress: SocketAddress): boolean {
    const address = ipAddressOf(remoteAddress)
    const type = address === undefined ? undefined : this.rules.find(address)
    return type === undefined ? this.acceptIfNotFound : type === 'accept'
  }
}
