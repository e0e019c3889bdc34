import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { CancellationError, IllegalArgumentError } from '@knotty/common'
import { eventually } from '@knotty/testing'
import {
  Bootstrap,
  type Channel,
  ChannelOption,
  ChannelStateError,
  ClosedChannelError,
  ConnectError,
  ConnectTimeoutError,
  NotYetConnectedError,
} from '@knotty/transport'
import { libuvBinding } from '../../../packages/transport/dist/socket/libuv/binding.js'
import { leakScope } from '../support/leak-scope.js'
import { connect, plainServer } from '../support/tcp.js'

/** A port that nobody listens on: it was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const NEVER = (): Promise<never> => new Promise(() => undefined)

describe('connect', () => {
  test(
    'fails with the system error of the only address, before channelInactive or any other event',
    leakScope(async (scope) => {
      const log: string[] = []
      const port = await freePort()
      const connecting = new Bootstrap()
        .group(scope.group())
        .handler({ channelActive: () => log.push('active'), channelInactive: () => log.push('inactive') })
        .connect(port, '127.0.0.1')
      await assert.rejects(Promise.resolve(connecting), { code: 'ECONNREFUSED', syscall: 'connect' })
      assert.deepEqual(log, [])
    }),
  )

  test(
    'tries all addresses of a name in order and lists each failure',
    leakScope(async (scope) => {
      const group = scope.group()
      const port = await freePort()
      const failing = new Bootstrap().group(group).resolver(() => Promise.resolve(['127.0.0.1', 'not an address', '127.0.0.2'])).handler({})
      await assert.rejects(Promise.resolve(failing.connect(port, 'some.name')), (error: Error) => {
        assert.ok(error instanceof ConnectError)
        assert.deepEqual(error.errors.map((each) => (each as { code?: string }).code), ['ECONNREFUSED', 'ERR_KNOTTY_ILLEGAL_ARGUMENT', 'ECONNREFUSED'])
        return true
      })
      const peer = await plainServer(scope)
      const channel = await new Bootstrap()
        .group(group)
        .resolver(() => Promise.resolve(['127.0.0.2', '127.0.0.1']))
        .handler({})
        .connect(peer.port, 'some.name')
      assert.equal(String(channel.remoteAddress), `127.0.0.1:${peer.port}`)
      await channel.close()
    }),
  )

  for (const [what, resolver, expected] of [
    ['throws', () => { throw new Error('no such name') }, /no such name/],
    ['rejects', () => Promise.reject(new Error('no such name')), /no such name/],
    ['finds nothing', () => Promise.resolve([]), /no address/],
  ] as const) {
    test(
      `fails and closes the channel when the resolver ${what}`,
      leakScope(async (scope) => {
        let channel: Channel | undefined
        const connecting = new Bootstrap()
          .group(scope.group())
          .resolver(resolver as () => Promise<readonly string[]>)
          .handler((ch) => {
            channel = ch
          })
          .connect(1, 'some.name')
        await assert.rejects(Promise.resolve(connecting), expected)
        assert.equal(channel?.isOpen, false)
      }),
    )
  }

  test(
    'fails with ConnectTimeoutError, name lookup included, and closes the channel',
    leakScope(async (scope) => {
      let channel: Channel | undefined
      const connecting = new Bootstrap()
        .group(scope.group())
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 20)
        .resolver(NEVER)
        .handler((ch) => {
          channel = ch
        })
        .connect(1, 'some.name')
      await assert.rejects(Promise.resolve(connecting), ConnectTimeoutError)
      assert.equal(channel?.isOpen, false)
    }),
  )

  test(
    'that is cancelled by its signal closes the channel',
    leakScope(async (scope) => {
      const abort = new AbortController()
      let channel: Channel | undefined
      const connecting = new Bootstrap()
        .group(scope.group())
        .resolver(NEVER)
        .handler((ch) => {
          channel = ch
        })
        .connect(1, 'some.name', { signal: abort.signal })
      await eventually(() => assert.ok(channel?.isRegistered))
      await new Promise((resolve) => setImmediate(resolve))
      abort.abort(new Error('enough'))
      await assert.rejects(Promise.resolve(connecting), CancellationError)
      await channel?.closeFuture
    }),
  )

  test(
    'that is under way fails with ClosedChannelError when the channel is closed, also after the lookup',
    leakScope(async (scope) => {
      const group = scope.group()
      const peer = await plainServer(scope)
      let channel: Channel | undefined
      const bootstrap = new Bootstrap().group(group).handler((ch) => {
        channel = ch
        // Registered, and the connect starts in the next task: this one runs behind it, ahead of the kernel's answer.
        ch.eventLoop.execute(() => ch.eventLoop.execute(() => void ch.close()))
      })
      await assert.rejects(Promise.resolve(bootstrap.connect(peer.port, '127.0.0.1')), ClosedChannelError)
      assert.equal(channel?.isOpen, false)
    }),
  )

  test(
    'a second time, while connected or connecting, is refused and changes nothing',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const again = channel.connect(channel.remoteAddress as never)
      assert.ok(again.cause instanceof ChannelStateError)
      assert.ok(channel.isActive)
      await channel.writeAndFlush(Buffer.from('x'))
    }),
  )

  test(
    'that has not come about fails a flush with NotYetConnectedError',
    leakScope(async (scope) => {
      let early: Error | undefined
      const peer = await plainServer(scope)
      const channel = await new Bootstrap()
        .group(scope.group())
        .handler((ch) => {
          early = ch.writeAndFlush(Buffer.from('x')).cause
        })
        .connect(peer.port, '127.0.0.1')
      assert.ok(early instanceof NotYetConnectedError)
      await channel.close()
    }),
  )

  test(
    'closed by a listener of its own promise still fires active, then inactive',
    leakScope(async (scope) => {
      const log: string[] = []
      const peer = await plainServer(scope)
      const group = scope.group()
      let channel: Channel | undefined
      new Bootstrap()
        .group(group)
        .handler((ch) => {
          channel = ch
          ch.pipeline.addLast({
            connect: (ctx, remote, local, promise) => {
              promise.addListener(() => ch.close())
              ctx.connect(remote, local, promise)
            },
            channelActive: () => log.push('active'),
            channelInactive: () => log.push('inactive'),
          })
        })
        .connect(peer.port, '127.0.0.1')
      await eventually(() => assert.deepEqual(log, ['active', 'inactive']))
      assert.equal(channel?.isOpen, false)
    }),
  )

  test(
    'from a local address uses it, and fails with what the kernel says of a wrong one',
    leakScope(async (scope) => {
      const group = scope.group()
      const peer = await plainServer(scope)
      const channel = await new Bootstrap().group(group).localAddress(0, '127.0.0.3').handler({}).connect(peer.port, '127.0.0.1')
      assert.match(String(channel.localAddress), /^127\.0\.0\.3:\d+$/)
      await channel.close()
      const wrong = new Bootstrap().group(group).localAddress(0, '203.0.113.1').handler({})
      await assert.rejects(Promise.resolve(wrong.connect(peer.port, '127.0.0.1')), { code: 'EADDRNOTAVAIL' })
      const otherFamily = new Bootstrap().group(group).localAddress(0, '::1').handler({})
      await assert.rejects(Promise.resolve(otherFamily.connect(peer.port, '127.0.0.1')), /E[A-Z]+/)
      assert.throws(() => new Bootstrap().group(group).handler({}).connect(65536, '127.0.0.1'), IllegalArgumentError)
    }),
  )

  test(
    'fails, and leaves no socket, when the connected handle cannot be made the channel\u2019s',
    leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const { prototype } = libuvBinding().TCP as unknown as { prototype: { setNoDelay: unknown } }
      const original = prototype.setNoDelay
      prototype.setNoDelay = () => {
        throw new RangeError('no memory')
      }
      try {
        const connecting = new Bootstrap().group(scope.group()).handler({}).connect(peer.port, '127.0.0.1')
        await assert.rejects(Promise.resolve(connecting), /no memory/)
        assert.equal(connecting.channel.isOpen, false)
      } finally {
        prototype.setNoDelay = original
      }
    }),
  )
})
