import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually, seededBytes } from '@knotty/testing'
import {
  Bootstrap,
  type Channel,
  type ChannelHandlerContext,
  type EventLoopGroup,
  ServerBootstrap,
  type ServerChannel,
} from '@knotty/transport'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { LOCAL_PLACE, plainClient, plainServer, readBytes, serveAt } from '../support/tcp.js'
import { sha256 } from '../support/test-bytes.js'
import { HAS_LIBUV, LIBUV_TCP, NET_TCP, SOME_TCP } from '../support/transports.js'

const FORWARDED_BYTES = 12 * 1024 * 1024

/** A server whose first connection gives each chunk to `forward`; what the others send is dropped, through the same slab. */
async function serveFirst(
  scope: LeakScope,
  group: EventLoopGroup,
  make: () => ServerChannel,
  forward: (chunk: ByteBuf) => void,
): Promise<{ port: number; dropped: () => number }> {
  let served = 0
  let dropped = 0
  const children: Channel[] = []
  const server = await new ServerBootstrap()
    .group(group)
    .channel(make)
    .childHandler((channel) => {
      children.push(channel)
      const first = served++ === 0
      channel.pipeline.addLast({
        channelRead: (_ctx: ChannelHandlerContext, msg: unknown) => {
          const chunk = msg as ByteBuf
          if (first) return forward(chunk)
          dropped += chunk.readableBytes
          chunk.release()
        },
      })
    })
    .bind(0, '127.0.0.1')
  scope.onEnd(async () => {
    for (const child of children) await child.close()
    await server.close()
  })
  return { port: (server.localAddress as { port: number }).port, dropped: () => dropped }
}

async function connectBy(scope: LeakScope, group: EventLoopGroup, port: number, make: () => Channel): Promise<Channel> {
  const channel = await new Bootstrap().group(group).channel(make).handler(() => undefined).connect(port, '127.0.0.1')
  scope.onEnd(() => channel.close())
  return channel
}

describe('a proxy between transports shows no bytes of other connections', () => {
  for (const [from, to] of [
    [LIBUV_TCP, NET_TCP],
    [NET_TCP, LIBUV_TCP],
    [NET_TCP, NET_TCP],
  ] as const) {
    if (!HAS_LIBUV && (from === LIBUV_TCP || to === LIBUV_TCP)) continue
    for (const groups of ['one group', 'two groups']) {
      test(
        `from ${from.name} to ${to.name}, in ${groups}, to a sink that stalls`,
        leakScope(async (scope) => {
          const group = scope.group({ poisonSlab: true })
          const sink = await plainServer(scope)
          const second = groups === 'one group' ? group : scope.group({ poisonSlab: true })
          const forward = await connectBy(scope, second, sink.port, to.newClient)
          const stalled = await sink.accept()
          let forwarded = 0
          const proxy = await serveFirst(scope, group, from.newServer, (chunk) => {
            forwarded += chunk.readableBytes
            forward.writeAndFlush(chunk, null)
          })
          const sent = seededBytes(FORWARDED_BYTES, 3)
          const source = await plainClient(scope, proxy.port)
          source.write(sent)
          await eventually(() => assert.equal(forwarded, FORWARDED_BYTES))
          const other = await plainClient(scope, proxy.port)
          other.write(Buffer.alloc(1024 * 1024, 'C'))
          await eventually(() => assert.equal(proxy.dropped(), 1024 * 1024))
          assert.equal(sha256(await readBytes(stalled, FORWARDED_BYTES)), sha256(sent))
        }),
      )
    }
  }

  test(
    `from ${SOME_TCP.name} through a local connection to ${SOME_TCP.name}, to a sink that stalls`,
    leakScope(async (scope) => {
      const group = scope.group({ poisonSlab: true })
      const sink = await plainServer(scope)
      const last = await connectBy(scope, group, sink.port, SOME_TCP.newClient)
      const stalled = await sink.accept()
      let forwarded = 0
      const local = await serveAt(scope, group, LOCAL_PLACE, () => [
        {
          channelRead: (_ctx, msg) => {
            forwarded += (msg as ByteBuf).readableBytes
            last.writeAndFlush(msg, null)
          },
        },
      ])
      const middle = await new Bootstrap().group(group).handler(() => undefined).connect(local.address)
      scope.onEnd(() => middle.close())
      const proxy = await serveFirst(
        scope,
        group,
        SOME_TCP.newServer,
        (chunk) => void middle.writeAndFlush(chunk, null),
      )
      const sent = seededBytes(FORWARDED_BYTES, 4)
      const source = await plainClient(scope, proxy.port)
      source.write(sent)
      const other = await plainClient(scope, proxy.port)
      other.write(Buffer.alloc(1024 * 1024, 'C'))
      await eventually(() => assert.deepEqual([forwarded, proxy.dropped()], [FORWARDED_BYTES, 1024 * 1024]))
      assert.equal(sha256(await readBytes(stalled, FORWARDED_BYTES)), sha256(sent))
    }),
  )
})
