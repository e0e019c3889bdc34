import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChannelOption, LibuvServerChannel, NetServerChannel, ServerBootstrap, TcpSocketAddress, UnixSocketAddress } from '@knotty/transport'
import { bindCandidates } from '../../../../../packages/transport/dist/socket/bind-address.js'
import { leakScope } from '../../../support/leak-scope.js'
import { HAS_LIBUV } from '../../../support/transports.js'

test('the wildcard of IPv4 stands in for that of IPv6, unless IPv6 alone is wanted', () => {
  const any = new TcpSocketAddress('::', 80)
  assert.deepEqual(bindCandidates(any, false).map(String), [String(any), '0.0.0.0:80'])
  assert.deepEqual(bindCandidates(any, true), [any])
  for (const other of [new TcpSocketAddress('::1', 80), new UnixSocketAddress('/tmp/x')]) assert.deepEqual(bindCandidates(other, false), [other])
})

for (const newServer of [...(HAS_LIBUV ? [() => new LibuvServerChannel()] : []), () => new NetServerChannel()]) {
  const { transport } = newServer()
  test(
    `with IPV6_V6ONLY a bind to :: fails where there is no IPv6, and listens on no IPv4 address, over ${transport}`,
    leakScope(async (scope) => {
      const withoutIpv6 = (): LibuvServerChannel | NetServerChannel => {
        const server = newServer()
        const listening = server as unknown as { listen(address: TcpSocketAddress, ...rest: unknown[]): void }
        const { listen } = listening
        listening.listen = (address, ...rest) => {
          if (address.address === '::') throw Object.assign(new Error('no IPv6'), { code: 'EAFNOSUPPORT' })
          listen.call(server, address, ...rest)
        }
        return server
      }
      const group = scope.group()
      const bootstrap = new ServerBootstrap().group(group).channel(withoutIpv6).childHandler(() => undefined)
      const both = await bootstrap.clone().bind(0)
      scope.onEnd(() => both.close())
      assert.match(String(both.localAddress), /^0\.0\.0\.0:/)
      await assert.rejects(Promise.resolve(bootstrap.option(ChannelOption.IPV6_V6ONLY, true).bind(0)), /no IPv6/)
    }),
  )
}
