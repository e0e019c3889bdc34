import assert from 'node:assert/strict'
import { once } from 'node:events'
import { inspect } from 'node:util'
import { describe, test } from 'node:test'
import { ByteBuf, IllegalReferenceCountError, Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import {
  Bootstrap,
  type Channel,
  ChannelGroup,
  ChannelGroupError,
  type ChannelHandler,
  ChannelMatchers,
  ClosedChannelError,
  EmbeddedChannel,
  LocalChannel,
  LocalServerChannel,
  ServerBootstrap,
} from '@knotty/transport'
import { leakScope } from '../../../support/leak-scope.js'
import { plainClient, readAll, serve } from '../../../support/tcp.js'

function groupOf(...channels: Channel[]): ChannelGroup {
  const group = new ChannelGroup({ name: 'room' })
  for (const channel of channels) group.add(channel)
  return group
}

/** Its writes throw. */
class Throwing implements ChannelHandler {
  write(_ctx: unknown, _msg: unknown, _promise: unknown): void {
    throw new Error('cannot write')
  }
}

describe('members', () => {
  test('are added once, found by id, iterated with servers first, and taken out', () => {
    const server = new LocalServerChannel()
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    const group = groupOf(channels[0], server, channels[1])
    assert.equal(group.add(channels[0]), false)
    assert.deepEqual([group.size, [...group]], [3, [server, ...channels]])
    assert.deepEqual([group.find(channels[1].id), group.find(server.id), group.has(server)], [channels[1], server, true])
    assert.deepEqual([group.remove(server), group.remove(server), group.remove(channels[0])], [true, false, true])
    assert.deepEqual([[...group], group.has(channels[0]), group.find(server.id)], [[channels[1]], false, undefined])
    assert.ok(channels[0].isOpen)
    server.closeForcibly()
  })

  test('leave when they are closed; one that is closed is not added', () => {
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    const group = groupOf(...channels)
    channels[0].close()
    assert.deepEqual([...group], [channels[1]])
    assert.deepEqual([group.add(channels[0]), group.size], [false, 1])
  })

  test('that were taken out and are closed later do not matter to those with which they share nothing', () => {
    const channel = new EmbeddedChannel()
    const group = groupOf(channel)
    group.remove(channel)
    assert.ok(group.add(channel))
    assert.equal(group.size, 1)
    channel.close()
    assert.equal(group.size, 0)
  })

  test('that come and go leave nothing at their closeFuture', () => {
    const group = new ChannelGroup()
    const channel = new EmbeddedChannel()
    const { closeFuture } = channel
    const listeners: unknown[] = []
    const { addListener, removeListener } = closeFuture
    closeFuture.addListener = (listener) => (listeners.push(listener), addListener.call(closeFuture, listener))
    closeFuture.removeListener = (listener) => (listeners.splice(listeners.indexOf(listener), 1), removeListener.call(closeFuture, listener))
    for (let round = 0; round < 100; round++) {
      group.add(channel)
      group.remove(channel)
    }
    assert.equal(listeners.length, 0)
    channel.close()
  })

  test('are counted when the group is printed, in one line', () => {
    assert.equal(inspect(groupOf(new EmbeddedChannel())), 'ChannelGroup(room, 1 channels)')
    assert.match(new ChannelGroup().name, /^group-\d+$/)
  })
})

describe('write', () => {
  test('gives each channel a duplicate with its own indexes, and releases the message', () => {
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    const msg = Unpooled.copiedBuffer('hello')
    msg.skipBytes(1)
    const future = groupOf(...channels).writeAndFlush(msg)
    assert.ok(future.isSuccess)
    assert.deepEqual([future.size, [...future].length], [2, 2])
    const [first, second] = channels.map((channel) => channel.readOutbound<ByteBuf>() as ByteBuf) as [ByteBuf, ByteBuf]
    assert.equal(first.readCharSequence(2), 'el')
    assert.deepEqual([second.toString('utf8'), msg.readerIndex], ['ello', 1])
    first.release()
    assert.equal(second.refCnt, 1)
    second.release()
    assert.equal(msg.refCnt, 0)
  })

  test('gives other messages as they are, reference-counted ones retained', () => {
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    groupOf(...channels).writeAndFlush('text')
    assert.deepEqual(channels.map((channel) => channel.readOutbound()), ['text', 'text'])
    const counted = {
      refCnt: 1,
      retain(): unknown {
        return this.refCnt++
      },
      release(): boolean {
        return --this.refCnt === 0
      },
    }
    groupOf(...channels).writeAndFlush(counted)
    assert.equal(counted.refCnt, 2)
  })

  test('releases the message when nobody gets it, and when the matcher throws', () => {
    const messages = [Unpooled.copiedBuffer('a'), Unpooled.copiedBuffer('b')] as const
    const nobody = new ChannelGroup().write(messages[0])
    assert.deepEqual([nobody.isSuccess, nobody.size, messages[0].refCnt], [true, 0, 0])
    const matcher = (): boolean => {
      throw new Error('matcher')
    }
    assert.throws(() => groupOf(new EmbeddedChannel()).write(messages[1], matcher), /matcher/)
    assert.equal(messages[1].refCnt, 0)
    assert.throws(() => groupOf(new EmbeddedChannel()).write(messages[1]), IllegalReferenceCountError)
  })

  test('is sent by flush', () => {
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    const group = groupOf(...channels)
    group.write('text')
    assert.deepEqual(channels.map((channel) => channel.outboundMessages.length), [0, 0])
    group.flush(ChannelMatchers.is(channels[1]))
    assert.deepEqual(channels.map((channel) => channel.outboundMessages.length), [0, 1])
    group.flush()
    assert.deepEqual(channels.map((channel) => channel.outboundMessages.length), [1, 1])
  })

  test('leaves out server channels and those the matcher does not choose', () => {
    const server = new LocalServerChannel()
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    const future = groupOf(server, ...channels).writeAndFlush('text', ChannelMatchers.isNot(channels[0]))
    assert.deepEqual([future.isSuccess, future.size, future.find(server), future.find(channels[0])], [true, 1, undefined, undefined])
    assert.ok(future.find(channels[1])?.isSuccess)
    assert.deepEqual(channels.map((channel) => channel.outboundMessages), [[], ['text']])
    server.closeForcibly()
  })

  test('drops nothing that a channel is not writable for', () => {
    const channel = new EmbeddedChannel()
    channel.write(Unpooled.wrappedBuffer(new Uint8Array(100_000)))
    assert.equal(channel.isWritable, false)
    groupOf(channel).write('text')
    channel.flush()
    assert.deepEqual(channel.outboundMessages.length, 2)
    channel.releaseOutbound()
  })

  test('goes on when one channel fails, and tells which and why', () => {
    const bad = new EmbeddedChannel(new Throwing())
    const worse = new EmbeddedChannel()
    worse.writeAndFlush = () => {
      throw new Error('worse')
    }
    const good = new EmbeddedChannel()
    const group = groupOf(bad, worse, good)
    const future = group.writeAndFlush('text')
    assert.deepEqual(good.outboundMessages, ['text'])
    const { cause } = future
    assert.ok(cause instanceof ChannelGroupError)
    assert.deepEqual([cause.code, cause.failures.map(({ channel }) => channel)], ['ERR_KNOTTY_CHANNEL_GROUP', [bad, worse]])
    assert.deepEqual(cause.failures.map((failure) => failure.cause.message), ['cannot write', 'worse'])
    assert.match(cause.message, /^room: failed on 2 of 3 channels: .*cannot write; .*worse$/)
    assert.deepEqual([future.isPartialSuccess, future.isPartialFailure, future.isDone, future.group], [true, true, true, group])
    bad.pipeline.close()
  })

  test('fails on a channel that is closed while the others are written to', () => {
    const last = new EmbeddedChannel()
    const first = new EmbeddedChannel({
      write(ctx, msg, promise) {
        last.close()
        ctx.write(msg, promise)
      },
    } as ChannelHandler)
    const future = groupOf(first, last).writeAndFlush('text')
    assert.ok(future.find(first)?.isSuccess)
    assert.ok(future.find(last)?.cause instanceof ClosedChannelError)
  })

  test('shows a few failures in the message, and keeps all', () => {
    const channels = Array.from({ length: 10 }, () => new EmbeddedChannel(new Throwing()))
    const cause = groupOf(...channels).write('text').cause as ChannelGroupError
    assert.match(cause.message, /failed on 10 of 10 channels: (.*cannot write; ){3}7 more$/)
    assert.equal(cause.failures.length, 10)
    const future = groupOf(new EmbeddedChannel(new Throwing())).write('text')
    assert.deepEqual([future.isPartialSuccess, future.isPartialFailure], [false, false]) // all have failed
  })
})

describe('the future', () => {
  test('is done with the last channel, and cannot be cancelled', () => {
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    const future = groupOf(...channels).newCloseFuture()
    assert.deepEqual([future.isDone, future.isPartialSuccess, future.cancel()], [false, false, false])
    channels[0].close()
    assert.deepEqual([future.isDone, future.isPartialSuccess], [false, true])
    channels[1].close()
    assert.deepEqual([future.isDone, future.isSuccess, future.isPartialSuccess], [true, true, false])
  })
})

describe('close', () => {
  test('closes the channels the matcher chooses', () => {
    const channels = [new EmbeddedChannel(), new EmbeddedChannel()] as const
    const group = groupOf(...channels)
    assert.ok(group.close(ChannelMatchers.is(channels[0])).isSuccess)
    assert.deepEqual([[...group], channels[1].isOpen], [[channels[1]], true])
    assert.ok(group.close().isSuccess)
    assert.equal(group.size, 0)
  })

  test('with stayClosed closes newcomers; without, or for some only, it does not', () => {
    for (const stayClosed of [true, false]) {
      const group = new ChannelGroup({ stayClosed })
      group.close(ChannelMatchers.isServerChannel)
      const early = new EmbeddedChannel()
      assert.ok(group.add(early))
      group.close()
      const late = new EmbeddedChannel()
      assert.equal(group.add(late), !stayClosed)
      assert.deepEqual([early.isOpen, late.isOpen, group.has(late)], [false, !stayClosed, !stayClosed])
    }
  })

  test('with stayClosed also closes those that come while the others are closed', () => {
    const group = new ChannelGroup({ stayClosed: true })
    const newcomer = new EmbeddedChannel()
    const first = new EmbeddedChannel({ channelInactive: () => void group.add(newcomer) })
    group.add(first)
    group.close()
    assert.deepEqual([first.isOpen, newcomer.isOpen, group.size], [false, false, 0])
  })

  test('disconnect and deregister reach each channel', () => {
    const channels = [EmbeddedChannel.with({ hasDisconnect: true }), new EmbeddedChannel()] as const
    const group = groupOf(...channels)
    assert.ok(group.deregister().isSuccess)
    assert.deepEqual(channels.map((channel) => channel.isRegistered), [false, false])
    assert.ok(group.disconnect(ChannelMatchers.is(channels[0])).isSuccess)
    assert.equal(channels[0].isOpen, true)
  })
})

test('ChannelMatchers', () => {
  const server = new LocalServerChannel()
  const local = new LocalChannel()
  const embedded = new EmbeddedChannel()
  const chosen = (matcher: (channel: Channel) => boolean): Channel[] => [server, local, embedded].filter((channel) => matcher(channel))
  const { all, compose, invert, is, isInstanceOf, isNonServerChannel, isNot, isServerChannel } = ChannelMatchers
  assert.deepEqual(chosen(all), [server, local, embedded])
  assert.deepEqual(chosen(is(local)), [local])
  assert.deepEqual(chosen(isNot(local)), [server, embedded])
  assert.deepEqual(chosen(isInstanceOf(EmbeddedChannel)), [embedded])
  assert.deepEqual(chosen(isServerChannel), [server])
  assert.deepEqual(chosen(isNonServerChannel), [local, embedded])
  assert.deepEqual(chosen(compose(isNonServerChannel, isNot(local))), [embedded])
  assert.deepEqual(chosen(compose()), [server, local, embedded])
  assert.deepEqual(chosen(invert(isServerChannel)), [local, embedded])
  server.closeForcibly()
  local.closeForcibly()
})

test(
  'over sockets: a broadcast reaches every connection, and close() of server and connections in one group ends them all',
  leakScope(async (scope) => {
    const loop = scope.group()
    const room = new ChannelGroup({ stayClosed: true })
    const server = await serve(scope, loop, () => [
      { channelActive: (ctx: { channel: Channel }) => void room.add(ctx.channel) } as ChannelHandler,
    ])
    room.add(server.channel)
    const clients = [await plainClient(scope, server.port), await plainClient(scope, server.port), await plainClient(scope, server.port)]
    await eventually(() => assert.equal(room.size, 4))
    await room.writeAndFlush(Unpooled.copiedBuffer('to all'))
    const gone = server.children[0] as Channel
    const closed = room.newCloseFuture()
    gone.abort()
    assert.deepEqual([room.size, room.has(gone)], [3, false])
    const texts = Promise.all(clients.slice(1).map(async (client) => String(await readAll(client))))
    await room.close()
    await closed
    assert.deepEqual(await texts, ['to all', 'to all'])
    assert.equal(room.size, 0)
  }),
)

test(
  'within the process: members that are closed by their peers leave',
  leakScope(async (scope) => {
    const loop = scope.group()
    const room = new ChannelGroup()
    const server = await new ServerBootstrap()
      .group(loop)
      .childHandler((child) => void room.add(child))
      .bind({ localId: '' })
    scope.onEnd(() => server.close())
    const client = await new Bootstrap()
      .group(loop)
      .handler(() => undefined)
      .connect(server.localAddress as never)
    if (room.size === 0) await once(server.events as never, 'accepted')
    const closed = room.newCloseFuture()
    await client.close()
    await closed
    assert.equal(room.size, 0)
  }),
)

test('a group takes channels only, not what is meant to become one', () => {
  for (const wrong of [{}, undefined, 'channel']) {
    assert.throws(() => new ChannelGroup().add(wrong as never), /channel: .* \(expected: a Channel; await the future/)
  }
  assert.throws(() => new ChannelGroup('all' as never), /options: 'all' \(expected: new ChannelGroup\(\{ name \}\)\)/)
})
