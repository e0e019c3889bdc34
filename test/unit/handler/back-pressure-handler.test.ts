import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import { BackPressureHandler } from '@knotty/handler'
import { eventually } from '@knotty/testing'
import {
  Bootstrap,
  type Channel,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelOption,
  EmbeddedChannel,
  type EventLoopGroup,
  type OutboundBuffer,
} from '@knotty/transport'
import { type LeakScope, leakScope } from '../../support/leak-scope.js'
import { plainClient, plainServer, serve } from '../../support/tcp.js'

/** Takes what is flushed only when told, and counts the reads it is asked for. */
class Stalled extends EmbeddedChannel {
  reads = 0
  stalled = true

  protected override doBeginRead(): void {
    this.reads++
  }

  protected override doWrite(outboundBuffer: OutboundBuffer): void {
    if (!this.stalled) super.doWrite(outboundBuffer)
  }

  goOn(): void {
    this.stalled = false
    this.flush()
  }
}

function stalledWith(handler: ChannelHandler, autoRead: boolean): Stalled {
  const channel = new Stalled()
  channel.config.autoRead = autoRead
  channel.reads = 0
  channel.pipeline.addLast(handler)
  return channel
}

/** More than the high water mark. */
const big = (): ByteBuf => Unpooled.wrappedBuffer(new Uint8Array(100_000))

describe('on its own channel', () => {
  for (const autoRead of [true, false]) {
    test(`holds reads back while it is not writable, and makes one when it is again, AUTO_READ ${autoRead ? 'on' : 'off'}`, () => {
      const channel = stalledWith(new BackPressureHandler(), autoRead)
      const ask = (): void => void (autoRead ? channel.flushInbound() : channel.read())
      ask()
      assert.equal(channel.reads, 1)
      channel.write(big())
      ask()
      ask()
      assert.deepEqual([channel.isWritable, channel.reads], [false, 1])
      channel.goOn()
      assert.deepEqual([channel.isWritable, channel.reads], [true, 2])
      ask()
      assert.equal(channel.reads, 3)
      channel.finishAndReleaseAll()
    })
  }

  test('a read of AUTO_READ that waits is taken back when AUTO_READ is turned off; one asked for then is not', () => {
    for (const asked of [false, true]) {
      const channel = stalledWith(new BackPressureHandler(), true)
      channel.write(big())
      channel.flushInbound()
      channel.config.autoRead = false
      if (asked) channel.read()
      channel.goOn()
      assert.equal(channel.reads, asked ? 1 : 0)
      channel.finishAndReleaseAll()
    }
  })

  test('makes one read for what waited, and none at later changes', () => {
    const channel = stalledWith(new BackPressureHandler(), false)
    channel.write(big())
    channel.read()
    channel.goOn()
    channel.stalled = true
    channel.write(big())
    channel.goOn()
    assert.equal(channel.reads, 1)
    channel.finishAndReleaseAll()
  })

  test('makes no read of its own when nobody asked for one', () => {
    const channel = stalledWith(new BackPressureHandler(), false)
    channel.write(big())
    channel.goOn()
    assert.equal(channel.reads, 0)
    channel.finishAndReleaseAll()
  })

  test('flushes what nobody flushed: the read would wait for ever', () => {
    const channel = stalledWith(new BackPressureHandler(), true)
    channel.stalled = false
    channel.write(big())
    assert.equal(channel.isWritable, false)
    channel.read()
    assert.deepEqual([channel.isWritable, channel.reads, channel.outboundMessages.length], [true, 1, 1])
    channel.finishAndReleaseAll()
  })

  test('passes writability and user events on', () => {
    const seen: string[] = []
    const channel = stalledWith(new BackPressureHandler(), true)
    channel.pipeline.addLast({
      channelWritabilityChanged: (ctx) => void seen.push(`writable: ${ctx.channel.isWritable}`),
      userEventTriggered: (_ctx, event) => void seen.push(String(event)),
    } as ChannelHandler)
    channel.write(big())
    channel.pipeline.fireUserEventTriggered('event')
    channel.goOn()
    assert.deepEqual(seen, ['writable: false', 'event', 'writable: true'])
    channel.finishAndReleaseAll()
  })

  test('lets reads pass once the output is shut down, a waiting one too', () => {
    const channel = stalledWith(new BackPressureHandler(), false)
    channel.write(big()).addListener(() => undefined)
    channel.read()
    channel.shutdownOutput()
    assert.equal(channel.reads, 1)
    channel.read()
    assert.equal(channel.reads, 2)
  })

  test('makes the read that waits when it is removed', () => {
    const handler = new BackPressureHandler()
    const channel = stalledWith(handler, false)
    channel.write(big())
    channel.read()
    channel.pipeline.remove(handler)
    assert.equal(channel.reads, 1)
    channel.goOn()
    assert.equal(channel.reads, 1)
    channel.finishAndReleaseAll()
  })

  test('lets a read pass before the channel is active, and fails nothing that was written for later', () => {
    const written: (Error | undefined)[] = []
    const reads: string[] = []
    const channel = new (class extends EmbeddedChannel {
      connected = false
      override get isActive(): boolean {
        return this.connected && super.isActive
      }
    })()
    channel.config.autoRead = false
    channel.pipeline.addLast({ read: (ctx) => void (reads.push('read'), ctx.read()) } as ChannelHandler, new BackPressureHandler())
    channel.write('for later').addListener((done) => written.push(done.cause))
    channel.read()
    assert.deepEqual([reads, written], [['read'], []])
    channel.connected = true
    channel.flush()
    assert.deepEqual(written, [undefined])
    channel.finish()
  })

  test('refuses what is no channel as peer', () => {
    assert.throws(() => new BackPressureHandler({ peer: {} as Channel }), IllegalArgumentError)
    assert.throws(() => new BackPressureHandler({ peer: null as never }), IllegalArgumentError)
  })
})

describe('with a peer', () => {
  test('reads here follow the writability there, and its own does not matter', () => {
    const peer = new Stalled()
    const channel = stalledWith(new BackPressureHandler({ peer }), false)
    channel.write(big())
    channel.read()
    assert.equal(channel.reads, 1)
    peer.write(big())
    channel.read()
    assert.equal(channel.reads, 1)
    peer.goOn()
    assert.equal(channel.reads, 2)
    channel.finishAndReleaseAll()
    peer.finishAndReleaseAll()
  })

  test('flushes the peer when a read waits for it', () => {
    const peer = new Stalled()
    peer.stalled = false
    const channel = stalledWith(new BackPressureHandler({ peer }), false)
    peer.write(big())
    channel.read()
    assert.deepEqual([peer.isWritable, channel.reads], [true, 1])
    peer.finishAndReleaseAll()
  })

  test('waits for a peer that is not active yet, and does not flush what waits there for the connection', () => {
    const peer = EmbeddedChannel.with({ register: false })
    const channel = stalledWith(new BackPressureHandler({ peer }), false)
    const early = peer.write('early')
    channel.read()
    assert.deepEqual([channel.reads, early.isDone], [0, false])
    peer.register()
    assert.equal(channel.reads, 1)
    peer.finish()
  })

  test('goes on when the peer is closed, also one that never was active', () => {
    for (const register of [true, false]) {
      const peer = EmbeddedChannel.with({ register })
      if (register) peer.outboundBuffer?.setUserDefinedWritability(1, false)
      const channel = stalledWith(new BackPressureHandler({ peer }), false)
      channel.read()
      assert.equal(channel.reads, 0)
      peer.close()
      assert.equal(channel.reads, 1)
      channel.read()
      assert.equal(channel.reads, 2)
    }
  })

  test('goes on when the output of the peer is shut down', () => {
    const peer = new Stalled()
    const channel = stalledWith(new BackPressureHandler({ peer }), false)
    peer.write(big(), null)
    channel.read()
    assert.equal(channel.reads, 0)
    peer.shutdownOutput()
    assert.equal(channel.reads, 1)
    peer.finishAndReleaseAll()
  })

  test('leaves no listener at the peer when it is removed or its channel closed', () => {
    const peer = new EmbeddedChannel()
    const removed = new BackPressureHandler({ peer })
    const channel = stalledWith(removed, true)
    channel.pipeline.addLast(new BackPressureHandler({ peer }))
    assert.equal(peer.events.listenerCount('writability'), 2)
    channel.pipeline.remove(removed)
    channel.close()
    for (const event of ['active', 'writability', 'close'] as const) assert.equal(peer.events.listenerCount(event), 0)
  })
})

/** Passes bytes between its channel and one it connects to `port`: a handler for each direction, nothing about reading. */
class Proxy implements ChannelHandler {
  private readonly group: EventLoopGroup
  private readonly port: number
  private back: Channel | undefined = undefined

  constructor(group: EventLoopGroup, port: number) {
    this.group = group
    this.port = port
  }

  channelActive(ctx: ChannelHandlerContext): void {
    const front = ctx.channel
    const connecting = new Bootstrap()
      .group(this.group)
      .handler((back) => {
        back.pipeline.addLast(new BackPressureHandler({ peer: front }), {
          channelRead: (_ctx, msg) => void front.writeAndFlush(msg, null),
          channelInactive: () => void front.closeAfterFlush(),
        } as ChannelHandler)
      })
      .connect(this.port, '127.0.0.1')
    this.back = connecting.channel
    ctx.pipeline.addFirst(new BackPressureHandler({ peer: this.back }))
    connecting.addListener((done) => {
      if (!done.isSuccess) front.close()
    })
  }

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.back?.writeAndFlush(msg, null)
  }

  channelInactive(): void {
    this.back?.closeAfterFlush()
  }
}

async function proxied(scope: LeakScope, port: number): Promise<{ port: number; front: () => Promise<Channel> }> {
  const group = scope.group()
  const server = await serve(scope, group, () => [new Proxy(group, port)])
  return { port: server.port, front: () => server.child() }
}

describe('a proxy over sockets', () => {
  test(
    'keeps little while the server does not read, and delivers every byte once it does',
    leakScope(async (scope) => {
      const origin = await plainServer(scope)
      const { port, front } = await proxied(scope, origin.port)
      const client = await plainClient(scope, port)
      const accepting = origin.accept()
      const total = 32 << 20
      const chunk = new Uint8Array(1 << 20)
      let sent = 0
      const pump = (): void => {
        while (sent < total) {
          sent += chunk.length
          if (!client.write(chunk)) return void client.once('drain', pump)
        }
      }
      pump()
      const [upstream, channel] = await Promise.all([accepting, front()])
      let last = -1
      await eventually(() => {
        const before = last
        last = channel.bytesRead
        assert.ok(last > 0 && last === before, 'bytes move still')
      })
      assert.ok(channel.bytesRead < total, 'the proxy took everything although nobody read it')
      let got = 0
      upstream.on('data', (bytes: Buffer) => (got += bytes.length))
      upstream.resume()
      await eventually(() => assert.equal(got, total), 20_000)
      client.end()
      await once(upstream, 'end')
      upstream.end()
    }),
  )

  test(
    'sees the end of the client while the server does not read',
    leakScope(async (scope) => {
      const origin = await plainServer(scope)
      const { port, front } = await proxied(scope, origin.port)
      const client = await plainClient(scope, port)
      const accepting = origin.accept()
      const channel = await front()
      channel.config.setOption(ChannelOption.LIVENESS_PROBE_MS, 20)
      client.write(new Uint8Array(32 << 20))
      await accepting
      client.resetAndDestroy()
      await channel.closeFuture
    }),
  )

  test(
    'closes the client when the server cannot be reached',
    leakScope(async (scope) => {
      const { port, front } = await proxied(scope, 1) // nobody listens there
      const client = await plainClient(scope, port)
      client.write('x')
      await (await front()).closeFuture
    }),
  )
})
