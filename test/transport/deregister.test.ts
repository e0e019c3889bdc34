import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelHandler, type ChannelHandlerContext, ChannelOption, ChannelStateError } from '@knotty/transport'
import { notOver } from '../support/cell.js'
import { leakScope } from '../support/leak-scope.js'
import { connect, option, plainClient, plainServer, readBytes, serve } from '../support/tcp.js'

class Collector implements ChannelHandler {
  readonly events: string[] = []
  text = ''

  channelRegistered(): void {
    this.events.push('registered')
  }

  channelActive(): void {
    this.events.push('active')
  }

  channelUnregistered(): void {
    this.events.push('unregistered')
  }

  channelInactive(): void {
    this.events.push('inactive')
  }

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.text += (msg as ByteBuf).toString('latin1')
    ;(msg as ByteBuf).release()
  }
}

async function again(channel: Channel, group: { register(channel: Channel): PromiseLike<unknown> }): Promise<void> {
  await channel.deregister()
  await group.register(channel)
}

describe('a channel that is deregistered and registered again', () => {
  test(
    'reads on, loses no byte, and is not told a second time that it is active',
    leakScope(async (scope) => {
      const group = scope.group({ readSlabBytes: 1024 })
      const collector = new Collector()
      const server = await serve(scope, group, () => [collector])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      let sent = ''
      for (let round = 0; round < 5; round++) {
        const bytes = String.fromCharCode(97 + round).repeat(5000)
        sent += bytes
        client.write(bytes)
        await again(child, group)
      }
      await eventually(() => assert.equal(collector.text, sent))
      assert.deepEqual(collector.events.slice(0, 4), ['registered', 'active', 'unregistered', 'registered'])
      assert.equal(collector.events.filter((event) => event === 'active').length, 1)
    }),
  )

  test(
    'reads nothing in between, and knows it',
    leakScope(async (scope) => {
      const group = scope.group()
      const collector = new Collector()
      const server = await serve(scope, group, () => [collector])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.ok(collector.events.includes('active')))
      await child.deregister()
      assert.deepEqual([child.isRegistered, child.isActive, child.isOpen], [false, true, true])
      client.write('meanwhile')
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(collector.text, '')
      await group.register(child)
      await eventually(() => assert.equal(collector.text, 'meanwhile'))
      await child.close()
      await eventually(() => assert.deepEqual(collector.events.slice(-2), ['inactive', 'unregistered']))
    }),
  )

  test(
    'by another group reads into the slab of that one, also while a write is under way',
    notOver(['net', 'unix-net'], 'it reads into no slab (net-socket.test.ts moves a channel whose write is under way)'),
    leakScope(async (scope) => {
      const first = scope.group({ readSlabBytes: 4096, writeSlabBytes: 1024, poisonSlab: true })
      const second = scope.group({ readSlabBytes: 2048, writeSlabBytes: 4096, poisonSlab: true })
      const peer = await plainServer(scope)
      const collector = new Collector()
      const channel = await connect(scope, first, peer.port, [collector])
      const socket = await peer.accept()
      socket.write('one')
      await eventually(() => assert.equal(collector.text, 'one'))
      // Each request of about 1 MiB carries one of the small ones, which pins memory of the first loop.
      const parts: Buffer[] = []
      for (let index = 0; index < 30; index++) parts.push(Buffer.alloc(1_000_000, index), Buffer.alloc(200, 100 + index))
      const writes = parts.map((part) => channel.write(part))
      channel.flush()
      assert.ok(first.counters.asyncWriteRequests > 0)
      await again(channel, second)
      assert.ok(writes.some((write) => !write.isDone))
      assert.equal(channel.eventLoop, second.next())
      socket.write('two'.repeat(3000))
      await eventually(() => assert.equal(collector.text, `one${'two'.repeat(3000)}`))
      for (let index = 0; index < 3; index++) {
        parts.push(Buffer.alloc(3000, 200 + index))
        writes.push(channel.writeAndFlush(parts.at(-1)))
      }
      const whole = Buffer.concat(parts)
      assert.ok((await readBytes(socket, whole.length)).equals(whole))
      await Promise.all(writes)
      // The memory went back to the loop it came from: both still write right.
      const other = await connect(scope, first, peer.port)
      const otherPeer = await peer.accept()
      for (let round = 0; round < 5; round++) {
        const text = String(round).repeat(900)
        await other.writeAndFlush(Buffer.from(text))
        assert.equal((await readBytes(otherPeer, 900)).toString(), text)
      }
      assert.ok(second.counters.slabChunks > 0)
    }),
  )

  test(
    'answers a read() of the time between when it is registered again, not earlier',
    leakScope(async (scope) => {
      const group = scope.group()
      const collector = new Collector()
      const server = await serve(scope, group, () => [collector], [option(ChannelOption.AUTO_READ, false)])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      await eventually(() => assert.ok(collector.events.includes('active')))
      await child.deregister()
      client.write('meanwhile')
      child.read()
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(collector.text, '')
      await group.register(child)
      await eventually(() => assert.equal(collector.text, 'meanwhile'))
    }),
  )

  test(
    'cannot be registered twice',
    leakScope(async (scope) => {
      const group = scope.group()
      const peer = await plainServer(scope)
      const channel = await connect(scope, group, peer.port)
      const twice = group.register(channel)
      assert.ok(twice.cause instanceof ChannelStateError)
      assert.ok(channel.isActive)
    }),
  )
})
