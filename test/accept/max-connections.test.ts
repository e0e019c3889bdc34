import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { diagnostics } from '@knotty/common'
import { eventually } from '@knotty/testing'
import { ChannelOption, type RefusedEvent, TcpSocketAddress } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { option } from '../support/tcp.js'
import { ServerOf } from '../support/transport-server.js'
import { ALL_TRANSPORTS } from '../support/transports.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

const REASON = 'the server has as many connections as it may'

for (const transport of ALL_TRANSPORTS) {
  describe(`MAX_CONNECTIONS, ${transport.name}`, () => {
    test('refuses more connections with event, counter, diagnostics and one line, and admits when one has ended', async (t) => {
      const logs = recordLogs(t)
      const published: RefusedEvent[] = []
      const onPublished = (message: unknown): void => void published.push(message as RefusedEvent)
      diagnostics.acceptRefused.subscribe(onPublished)
      t.after(() => diagnostics.acceptRefused.unsubscribe(onPublished))
      await leakScope(async (scope) => {
        const server = await ServerOf.bind(scope, scope.group(), transport, { options: [option(ChannelOption.MAX_CONNECTIONS, 2)] })
        const [first] = await server.connectAll(2)
        const refused = [await server.connect(), await server.connect(), await server.connect()]
        for (const client of refused) await client.closeFuture
        await eventually(() => assert.equal(server.refused.length, 3))
        assert.equal(server.channel.connectionCount, 2)
        assert.deepEqual([server.channel.eventLoop.counters.accepted, server.channel.eventLoop.counters.refused], [5, 3])
        for (const [index, { reason, remoteAddress, cause }] of server.refused.entries()) {
          assert.deepEqual([reason, cause], [REASON, undefined])
          assert.deepEqual([published[index]?.reason, published[index]?.remoteAddress], [reason, remoteAddress])
          assert.equal((published[index] as unknown as { server: unknown }).server, server.channel)
          if (remoteAddress instanceof TcpSocketAddress) assert.equal(String(remoteAddress), String(refused[index]?.localAddress))
        }
        await first?.close()
        await eventually(() => assert.equal(server.channel.connectionCount, 1))
        await server.connectAll(1)
        assert.equal(server.refused.length, 3)
      })()
      const told = logs.filter(({ message }) => message.includes(REASON))
      assert.equal(told.length, 1)
      assert.ok(logs.some(({ message }) => message.endsWith('closed 2 more connections before they were registered')))
    })

    test('counts connections that an initializer holds', async (t) => {
      recordLogs(t)
      await leakScope(async (scope) => {
        const admit: (() => void)[] = []
        const server = await ServerOf.bind(scope, scope.group(), transport, {
          options: [option(ChannelOption.MAX_CONNECTIONS, 1)],
          initializer: () => new Promise<void>((resolve) => void admit.push(resolve)),
        })
        await server.connect()
        await eventually(() => assert.equal(server.channel.connectionCount, 1))
        const second = await server.connect()
        await second.closeFuture
        assert.deepEqual(server.refused.map(({ reason }) => reason), [REASON])
        admit[0]?.()
        await eventually(() => assert.deepEqual([server.accepted.length, server.channel.connectionCount], [1, 1]))
      })()
    })
  })
}
