import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import process from 'node:process'
import { describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import { type Channel, ChannelOption, ServerBootstrap, TcpSocketAddress } from '@knotty/transport'
import { libuvBinding, type StreamHandle, type TcpHandle } from '../../../packages/transport/dist/socket/libuv/binding.js'
import { leakScope, type LeakScope } from '../support/leak-scope.js'
import { plainClient } from '../support/tcp.js'
import { HAS_LIBUV, LIBUV_TCP, TCP_TRANSPORTS, type TestTransport } from '../support/transports.js'

/** What accepting a connection does not do, and what must be so all the same. */

interface Accepting {
  readonly host?: string
  readonly noDelay?: boolean
  readonly accepted?: (child: Channel) => void
}

/** A server, one connection to it, and the channel of that. */
async function acceptOne(scope: LeakScope, transport: TestTransport, { host = '127.0.0.1', noDelay, accepted }: Accepting = {}) {
  let child: Channel | undefined
  const bootstrap = new ServerBootstrap().group(scope.group()).channel(() => transport.newServer())
  if (noDelay !== undefined) bootstrap.childOption(ChannelOption.TCP_NODELAY, noDelay)
  const server = await bootstrap
    .childHandler((channel) => {
      child = channel
      channel.pipeline.addLast({ channelActive: () => accepted?.(channel), exceptionCaught: () => undefined })
    })
    .bind(0, host)
  scope.onEnd(() => server.close())
  const { port } = server.localAddress as TcpSocketAddress
  const client = await plainClient(scope, port)
  await eventually(() => assert.ok(child?.isRegistered === true || child?.isOpen === false))
  return { child: child as Channel, client, port }
}

/** The calls of one method of Node's TCP handles while `run` runs. */
async function countCalls(method: 'getsockname' | 'setNoDelay', run: () => Promise<void>): Promise<number> {
  const prototype = libuvBinding().TCP.prototype as unknown as Record<string, (this: TcpHandle, arg: never) => number>
  const original = prototype[method] as (this: TcpHandle, arg: never) => number
  let calls = 0
  prototype[method] = function (arg) {
    calls++
    return original.call(this, arg)
  }
  try {
    await run()
  } finally {
    prototype[method] = original
  }
  return calls
}

describe('the local address of an accepted connection', () => {
  for (const transport of TCP_TRANSPORTS) {
    for (const host of ['127.0.0.1', '0.0.0.0', '::', '::ffff:0.0.0.0']) {
      test(`is known after the close although nobody asked before: ${transport.name}, listening on ${host}`, async () => {
        await leakScope(async (scope) => {
          const { child, port } = await acceptOne(scope, transport, { host, accepted: (channel) => channel.close() })
          await child.closeFuture
          const address = host.includes(':') ? '::ffff:127.0.0.1' : '127.0.0.1'
          assert.equal(String(child.localAddress), String(new TcpSocketAddress(address, port)))
        })()
      })
    }
  }

  test('takes no system call when nobody asks and the server listens on one address', { skip: !HAS_LIBUV }, async () => {
    const calls = await countCalls('getsockname', () =>
      leakScope(async (scope) => {
        const { child } = await acceptOne(scope, LIBUV_TCP, { accepted: (channel) => channel.close() })
        await child.closeFuture
      })(),
    )
    assert.equal(calls, 1) // the listener's own
  })
})

const hasPerl = spawnSync('perl', ['-e', '1']).status === 0

/** TCP_NODELAY of a socket, as the kernel has it: a child process inherits the descriptor as its standard input. */
async function noDelayOf(channel: Channel): Promise<boolean> {
  const { fd } = (channel as unknown as { socket: StreamHandle }).socket
  const script = 'print unpack("i", getsockopt(STDIN, 6, 1))' // IPPROTO_TCP, TCP_NODELAY of tcp.h
  const child = spawn('perl', ['-e', script], { stdio: [fd, 'pipe', 'inherit'] })
  let printed = ''
  for await (const text of child.stdout ?? []) printed += String(text)
  return printed !== '0'
}

describe('TCP_NODELAY of an accepted connection', { skip: !HAS_LIBUV || process.platform !== 'linux' }, () => {
  for (const noDelay of [undefined, true, false]) {
    test(`is ${noDelay ?? true} in the kernel when childOption gives ${noDelay}`, { skip: !hasPerl }, async () => {
      await leakScope(async (scope) => {
        const { child } = await acceptOne(scope, LIBUV_TCP, noDelay === undefined ? {} : { noDelay })
        assert.equal(await noDelayOf(child), noDelay ?? true)
        child.config.setOption(ChannelOption.TCP_NODELAY, false)
        assert.equal(await noDelayOf(child), false)
        child.config.setOption(ChannelOption.TCP_NODELAY, true)
        assert.equal(await noDelayOf(child), true)
      })()
    })
  }

  test('takes no system call for each connection: the listener has it', async () => {
    const calls = await countCalls('setNoDelay', () =>
      leakScope(async (scope) => {
        await acceptOne(scope, LIBUV_TCP)
      })(),
    )
    assert.equal(calls, 1) // the listener's own
  })
})

describe('the error of a reset', { skip: !HAS_LIBUV }, () => {
  test('has code, message and address but no stack, and leaves the stacks of other errors alone', async () => {
    const limit = Error.stackTraceLimit
    await leakScope(async (scope) => {
      let caught: NodeJS.ErrnoException | undefined
      const { child, client } = await acceptOne(scope, LIBUV_TCP)
      child.pipeline.addFirst({
        exceptionCaught: (_ctx, cause) => {
          caught = cause
        },
      })
      const remote = String(child.remoteAddress)
      client.resetAndDestroy()
      await child.closeFuture
      assert.equal(caught?.code, 'ECONNRESET')
      assert.equal(caught.message, `read ECONNRESET ${remote}: connection reset by peer`)
      assert.equal(caught.stack, `Error: ${caught.message}`)
    })()
    assert.equal(Error.stackTraceLimit, limit)
    assert.match(new Error('x').stack ?? '', /\n {4}at /)
  })
})
