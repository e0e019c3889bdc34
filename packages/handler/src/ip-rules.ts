import { BlockList } from 'node:net'
import { IllegalArgumentError, shown } from '@knotty/common'
import { type IpAddress, parseIpAddress } from './ip-address.js'

/** A rule of {@link RuleBasedIpFilter}. */
export interface IpFilterRule {
  /** One address, or a subnet in CIDR form: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. */
  readonly address: string
  readonly type: 'accept' | 'reject'
}

/** Prefix bits of ::ffff:0:0/96, the IPv4 addresses among the IPv6 ones. */
const MAPPED_PREFIX = 96

/** Neighbouring rules of one type, in lists of Node's, which are searched natively. One list of both families has IPv6 subnets match IPv4. */
interface Group {
  readonly type: IpFilterRule['type']
  readonly ipv4: BlockList
  readonly ipv6: BlockList
}

/** Rules in order: the first that matches an address decides. */
export class IpRules {
  private readonly groups: Group[] = []

  constructor(rules: readonly IpFilterRule[]) {
    if (!Array.isArray(rules)) throw new IllegalArgumentError(`rules: ${shown(rules)} (expected: an array of { address, type })`)
    for (const [index, rule] of rules.entries()) this.add(rule, `rules[${index}]`)
  }

  /** What the first rule that matches says; undefined when there is none. */
  find(address: IpAddress): IpFilterRule['type'] | undefined {
    const family = address.family === 4 ? 'ipv4' : 'ipv6'
    for (const group of this.groups) if (group[family].check(address.text, family)) return group.type
    return undefined
  }

  private add(rule: IpFilterRule, name: string): void {
    if (typeof rule !== 'object' || (rule as unknown) === null) {
      throw new IllegalArgumentError(`${name}: ${shown(rule)} (expected: { address, type })`)
    }
    const { address, type } = rule
    if (type !== 'accept' && type !== 'reject') throw new IllegalArgumentError(`${name}.type: ${shown(type)} (expected: 'accept' or 'reject')`)
    const { text, family: version, prefix } = parseSubnet(address, `${name}.address`)
    const family = version === 4 ? 'ipv4' : 'ipv6'
    let group = this.groups.at(-1)
    if (group?.type !== type) this.groups.push((group = { type, ipv4: new BlockList(), ipv6: new BlockList() }))
    group[family].addSubnet(text, prefix, family)
  }
}

function parseSubnet(cidr: string, name: string): IpAddress & { readonly prefix: number } {
  const match = typeof cidr === 'string' ? /^([^/]+)(?:\/(\d{1,3}))?$/.exec(cidr) : null
  const written = match?.[1] ?? ''
  const address = parseIpAddress(written)
  if (match === null || address === undefined) {
    throw new IllegalArgumentError(`${name}: ${shown(cidr)} (expected: an IP address or a subnet, such as 10.0.0.0/8)`)
  }
  const bits = written.includes(':') ? 128 : 32
  const prefix = match[2] === undefined ? bits : Number(match[2])
  const shift = bits === 128 && address.family === 4 ? MAPPED_PREFIX : 0
  if (prefix > bits || prefix < shift) {
    throw new IllegalArgumentError(`${name}: '${cidr}': the prefix is ${prefix} (expected: ${shift} to ${bits})`)
  }
  return { ...address, prefix: prefix - shift }
}
