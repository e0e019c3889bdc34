import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { createInterface } from 'node:readline'
import { CancellationError, IllegalArgumentError } from '@knotty/common'
import { type ChannelHandler, DrainEvent, EventLoopGroup, type ServerChannel, shutdownOnSignal } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { ServerOf } from '../support/transport-server.js'
import { LOCAL, NET_TCP, SOME_TCP } from '../support/transports.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

const children = new Set<ChildProcess>()

after(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** A server process that prints its port, then what the script prints. */
class Program {
  readonly child: ChildProcess
  readonly exit: Promise<[number | null, NodeJS.Signals | null]>
  private readonly lines: AsyncIterator<string>

  constructor(options: string, more = '') {
    const source = `
      import { DrainEvent, EventLoopGroup, ServerBootstrap, shutdownOnSignal } from '@knotty/transport'
      const group = new EventLoopGroup()
      const server = await new ServerBootstrap().group(group).childHandler((ch) => ch.pipeline.addLast({
        channelRead: (ctx, msg) => ctx.writeAndFlush(msg),
        userEventTriggered: (ctx, event) => { if (event === DrainEvent.INSTANCE && process.env.POLITE) ctx.close() },
      })).bind(0, '127.0.0.1')
      const shutdown = shutdownOnSignal({ group, servers: server, ${options} })
      shutdown.completion.addListener((done) => console.log(JSON.stringify(done.isSuccess ? done.value : String(done.cause))))
      ${more}
      console.log(server.localAddress.port)`
    this.child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: path.join(import.meta.dirname, '..', '..'),
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', POLITE: options.includes('polite') ? '1' : '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.add(this.child)
    this.exit = once(this.child, 'exit').finally(() => children.delete(this.child)) as Promise<[number | null, NodeJS.Signals | null]>
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    return (await this.lines.next()).value as string
  }

  /** A client whose byte has come back. */
  async connect(port: string): Promise<net.Socket> {
    const socket = net.connect({ port: Number(port), host: '127.0.0.1' })
    socket.on('error', () => undefined)
    socket.write('x')
    await once(socket, 'data')
    socket.resume()
    return socket
  }
}

/** A signal that nothing else listens for, sent to this very process. */
const SIGNAL = 'SIGHUP'
const polite: ChannelHandler = {
  isSharable: true,
  userEventTriggered(ctx, event) {
    if (event === DrainEvent.INSTANCE) ctx.close()
  },
}

describe('shutdownOnSignal()', () => {
  test(
    'drains the servers there are when the signal comes, of any transport, and shuts all groups down',
    leakScope(async (scope) => {
      const groups = [scope.group(), scope.group()] as const
      const servers = new Set<ServerChannel>()
      const shutdown = shutdownOnSignal({ group: groups, servers, deadlineMs: 400, signals: [SIGNAL] })
      const first = await ServerOf.bind(scope, groups[0], SOME_TCP, { handlers: () => [polite] })
      const second = await ServerOf.bind(scope, groups[1], NET_TCP)
      const third = await ServerOf.bind(scope, groups[1], LOCAL, { handlers: () => [polite] })
      const clients = [...(await first.connectAll(2)), ...(await second.connectAll(1)), ...(await third.connectAll(3))]
      for (const { channel } of [first, second, third]) servers.add(channel)
      process.kill(process.pid, SIGNAL)
      assert.deepEqual(await shutdown.completion, { signal: SIGNAL, ended: 5, forced: 1 })
      assert.ok(groups.every((group) => group.isTerminated))
      assert.equal(process.listenerCount(SIGNAL), 0)
      for (const client of clients) await client.closeFuture
    }),
  )

  test(
    'cuts a drain short that was begun with a later deadline',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await ServerOf.bind(scope, group, SOME_TCP)
      const [client] = await server.connectAll(1)
      void server.channel.drain({ deadlineMs: 0x7fffffff })
      const shutdown = shutdownOnSignal({ group, servers: [server.channel], deadlineMs: 50, signals: [SIGNAL] })
      process.kill(process.pid, SIGNAL)
      assert.deepEqual(await shutdown.completion, { signal: SIGNAL, ended: 0, forced: 1 })
      await client?.closeFuture
    }),
  )

  test('goes on when a part of it throws: that is logged, and the groups are shut down', async (t) => {
    const logs = recordLogs(t)
    await leakScope(async (scope) => {
      const groups = [scope.group(), scope.group()] as const
      await ServerOf.bind(scope, groups[0], LOCAL) // keeps the process alive until the signal comes
      const failing = { shutdownGracefully: () => Promise.reject(new Error('no shutdown')) } as unknown as EventLoopGroup
      const broken = {
        drain() {
          throw new Error('no drain')
        },
      } as unknown as ServerChannel
      function* servers(): Generator<ServerChannel> {
        yield broken
        throw new Error('no more servers')
      }
      const shutdown = shutdownOnSignal({ group: [groups[0], failing, groups[1]], servers: servers(), signals: [SIGNAL] })
      process.kill(process.pid, SIGNAL)
      assert.deepEqual(await shutdown.completion, { signal: SIGNAL, ended: 0, forced: 0 })
      assert.ok(groups.every((group) => group.isTerminated))
      const errors = logs.filter(({ level }) => level === 'error').map(({ error }) => (error as Error).message)
      assert.deepEqual(errors, ['no drain', 'no more servers', 'no shutdown'])
    })()
  })

  test(
    'disposed of takes its listeners away, and its future is cancelled; during a shutdown that goes on',
    leakScope(async (scope) => {
      const group = scope.group()
      await ServerOf.bind(scope, group, LOCAL) // keeps the process alive until the signal comes
      const idle = shutdownOnSignal({ group, signals: [SIGNAL, 'SIGWINCH'] })
      assert.deepEqual([process.listenerCount(SIGNAL), process.listenerCount('SIGWINCH')], [1, 1])
      idle[Symbol.dispose]()
      idle[Symbol.dispose]()
      assert.deepEqual([process.listenerCount(SIGNAL), process.listenerCount('SIGWINCH')], [0, 0])
      await assert.rejects(Promise.resolve(idle.completion), CancellationError)
      const started = shutdownOnSignal({ group, signals: [SIGNAL] })
      const signalled = once(process, SIGNAL)
      process.kill(process.pid, SIGNAL)
      await signalled
      started[Symbol.dispose]()
      assert.deepEqual(await started.completion, { signal: SIGNAL, ended: 0, forced: 0 })
      assert.ok(group.isTerminated)
    }),
  )

  test('refuses options it cannot work with, and leaves no listener', () => {
    const group = new EventLoopGroup()
    const wrong: unknown[] = [
      undefined,
      {},
      { group: 'group' },
      { group, servers: {} },
      { group, deadlineMs: -1 },
      { group, servers: [1] },
      { group, signals: [] },
      { group, signals: 'SIGTERM' },
      { group, signals: ['SIGTREM'] },
      { group, signals: [SIGNAL, 'SIGKILL'] },
    ]
    for (const options of wrong) assert.throws(() => shutdownOnSignal(options as never), IllegalArgumentError)
    assert.equal(process.listenerCount(SIGNAL), 0)
  })
})

describe('shutdownOnSignal(), in a process of its own', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}: connections that react to the DrainEvent end, and so does the process, by itself and with code 0`, async () => {
      const program = new Program('/* polite */ deadlineMs: 60_000')
      const port = await program.line()
      const sockets = [await program.connect(port), await program.connect(port)]
      const closed = sockets.map((socket) => once(socket, 'close'))
      program.child.kill(signal)
      assert.deepEqual(JSON.parse(await program.line()), { signal, ended: 2, forced: 0 })
      assert.deepEqual(await program.exit, [0, null])
      await Promise.all(closed)
    })
  }

  test('without connections the process ends at once', async () => {
    const program = new Program('')
    await program.line()
    program.child.kill('SIGTERM')
    assert.deepEqual(JSON.parse(await program.line()), { signal: 'SIGTERM', ended: 0, forced: 0 })
    assert.deepEqual(await program.exit, [0, null])
  })

  test('a connection that is stuck is closed at the deadline', async () => {
    const program = new Program('deadlineMs: 100')
    const socket = await program.connect(await program.line())
    const closed = once(socket, 'close')
    program.child.kill('SIGTERM')
    assert.deepEqual(JSON.parse(await program.line()), { signal: 'SIGTERM', ended: 0, forced: 1 })
    assert.deepEqual(await program.exit, [0, null])
    await closed
  })

  for (const second of ['SIGTERM', 'SIGINT'] as const) {
    test(`a second signal (${second}) ends the process at once`, async () => {
      const program = new Program('deadlineMs: 0x7fffffff', `server.closeFuture.addListener(() => console.log('draining'))`)
      await program.connect(await program.line())
      program.child.kill('SIGTERM')
      assert.equal(await program.line(), 'draining')
      program.child.kill(second)
      assert.deepEqual(await program.exit, [null, second])
    })
  }

  test('the exit code that the program has set stays', async () => {
    const program = new Program('', 'process.exitCode = 7')
    await program.line()
    program.child.kill('SIGTERM')
    assert.deepEqual(await program.exit, [7, null])
  })

  test('disposed of before a signal it leaves the signal as it was', async () => {
    const program = new Program('', 'shutdown[Symbol.dispose]()')
    const first = await program.line()
    assert.match(first, /CancellationError/)
    await program.line()
    program.child.kill('SIGTERM')
    assert.deepEqual(await program.exit, [null, 'SIGTERM'])
  })
})
