import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CancellationError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import { Bootstrap, type Channel, ChannelOption, type LocalSocketAddress, ServerBootstrap } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'
import { connectTo, LOCAL_PLACE, serveAt } from '../../support/tcp.js'
import { recordLogs } from '../../unit/transport/channel/recorded-logs.js'
import { Keeper, open, turns } from './local-pair.js'

describe('addresses within the process', () => {
  test(
    'an empty localId stands for any that is free; both ends know both addresses',
    leakScope(async (scope) => {
      const { client, child } = await open(scope)
      const server = child.parent as Channel
      assert.match((server.localAddress as LocalSocketAddress).localId, /^#\d+$/)
      assert.equal(String(client.remoteAddress), String(server.localAddress))
      assert.equal(String(child.localAddress), String(server.localAddress))
      assert.equal(String(child.remoteAddress), String(client.localAddress))
      await client.close()
      assert.equal(String(client.remoteAddress), String(server.localAddress))
    }),
  )

  test(
    'one that is taken is EADDRINUSE until its listener is closed',
    leakScope(async (scope) => {
      const group = scope.group()
      const bind = (): PromiseLike<Channel> => new ServerBootstrap().group(group).childHandler(() => undefined).bind({ localId: 'taken' })
      const first = await bind()
      await assert.rejects(Promise.resolve(bind()), { code: 'EADDRINUSE' })
      await first.close()
      const second = await bind()
      await second.close()
    }),
  )

  test(
    'one without a listener, and the empty one, are ECONNREFUSED, and the channel is closed',
    leakScope(async (scope) => {
      const group = scope.group()
      for (const localId of ['nobody', '']) {
        const connecting = new Bootstrap().group(group).handler(() => undefined).connect({ localId })
        await assert.rejects(Promise.resolve(connecting), { code: 'ECONNREFUSED' })
        await eventually(() => assert.equal(connecting.channel.isOpen, false))
      }
    }),
  )

  test(
    'one whose SO_BACKLOG is full refuses, and takes connections again when it accepts',
    leakScope(async (scope) => {
      const group = scope.group()
      const accepted: Channel[] = []
      const server = await new ServerBootstrap()
        .group(group)
        .option(ChannelOption.AUTO_READ, false)
        .option(ChannelOption.SO_BACKLOG, 2)
        .childHandler((channel) => void accepted.push(channel))
        .bind({ localId: '' })
      scope.onEnd(() => server.close())
      const address = server.localAddress as LocalSocketAddress
      const first = await connectTo(scope, group, address)
      await connectTo(scope, group, address)
      await assert.rejects(connectTo(scope, group, address), { code: 'ECONNREFUSED' })
      assert.equal(accepted.length, 0)
      server.read()
      await eventually(() => assert.equal(accepted.length, 1))
      await turns()
      assert.equal(accepted.length, 1)
      await first.close()
      await connectTo(scope, group, address)
      await server.close()
      await eventually(() => assert.equal(accepted[0]?.isOpen, false))
    }),
  )

  test('a server that closes resets the connections it has not accepted', async (t) => {
    recordLogs(t)
    await leakScope(async (scope) => {
      const group = scope.group()
      const server = await new ServerBootstrap()
        .group(group)
        .option(ChannelOption.AUTO_READ, false)
        .childHandler(() => undefined)
        .bind({ localId: '' })
      const keeper = new Keeper()
      const client = await connectTo(scope, group, server.localAddress as LocalSocketAddress, [keeper])
      await server.close()
      await client.closeFuture
      await eventually(() => assert.deepEqual(keeper.log, ['ECONNRESET', 'inactive']))
    })()
  })
})

describe('a connect within the process', () => {
  test(
    'that is cancelled leaves nothing, at either end',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await serveAt(scope, group, LOCAL_PLACE, () => [])
      let accepted = 0
      server.channel.events.on('accepted', () => accepted++)
      const connecting = new Bootstrap().group(group).handler(() => undefined).connect(server.address)
      connecting.cancel()
      await assert.rejects(Promise.resolve(connecting), CancellationError)
      await eventually(() => assert.equal(connecting.channel.isOpen, false))
      await turns()
      assert.equal(accepted, 0)
    }),
  )

  test(
    'that is cancelled after it was offered is closed at the server too',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await serveAt(scope, group, LOCAL_PLACE, () => [])
      const controller = new AbortController()
      const connecting = new Bootstrap()
        .group(group)
        .handler({ channelActive: () => controller.abort() })
        .connect(server.address, { signal: controller.signal })
      await Promise.resolve(connecting).catch(() => undefined)
      connecting.channel.close()
      const child = await server.child()
      await child.closeFuture
    }),
  )

  test(
    'closed in its promise still tells active, then inactive',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await serveAt(scope, group, LOCAL_PLACE, () => [])
      const log: string[] = []
      const connecting = new Bootstrap()
        .group(group)
        .handler({ channelActive: () => void log.push('active'), channelInactive: () => void log.push('inactive') })
        .connect(server.address)
      connecting.addListener((done) => void done.channel.close())
      await connecting
      await eventually(() => assert.deepEqual(log, ['active', 'inactive']))
    }),
  )
})
