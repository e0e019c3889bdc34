import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runScript } from '../support/run-script.js'

/** A server and a client that exchange one message, then end. */
const ECHO = `
  import { Bootstrap, EventLoopGroup, ServerBootstrap } from '@knotty/transport'
  const group = new EventLoopGroup()
  const server = await new ServerBootstrap()
    .group(group)
    .childHandler((ch) => ch.pipeline.addLast({ channelRead: (ctx, msg) => ctx.writeAndFlush(msg) }))
    .bind(0, '127.0.0.1')
  const text = await new Promise((resolve, reject) => {
    new Bootstrap()
      .group(group)
      .handler((ch) => ch.pipeline.addLast({
        channelActive: (ctx) => ctx.writeAndFlush(Buffer.from('hello')),
        channelRead: (ctx, msg) => { resolve(msg.toString('utf8')); msg.release() },
      }))
      .connect(server.localAddress.port, '127.0.0.1')
      .catch(reject)
  })
  console.log(text, server.transport)
  await group.shutdownGracefully({ quietPeriodMs: 0 })
`

/** Tries to make a server and prints the code and message of what it fails with. */
const TRY = `
  const { EventLoopGroup, ServerBootstrap } = await import('@knotty/transport')
  const group = new EventLoopGroup()
  try {
    const server = await new ServerBootstrap().group(group).childHandler(() => {}).bind(0, '127.0.0.1')
    console.log('bound by', server.transport)
  } catch (error) {
    console.log(error.code, error.message)
  }
  await group.shutdownGracefully({ quietPeriodMs: 0 })
`

describe('the libuv binding', () => {
  test('prints no deprecation warning, not even with --pending-deprecation, and leaves later warnings alone', async () => {
    const result = await runScript(`${ECHO}; process.emitWarning('later', 'DeprecationWarning', 'DEP9999')`, ['--pending-deprecation'])
    assert.deepEqual([result.code, result.stdout], [0, 'hello libuv\n'])
    assert.doesNotMatch(result.stderr, /DEP0111/)
    assert.match(result.stderr, /DEP9999/)
  })

  test('does not end the process with --throw-deprecation', async () => {
    const result = await runScript(ECHO, ['--pending-deprecation', '--throw-deprecation'])
    assert.deepEqual([result.code, result.stdout, result.stderr], [0, 'hello libuv\n', ''])
  })

  test('works with --disallow-code-generation-from-strings and --frozen-intrinsics', async () => {
    const result = await runScript(ECHO, ['--disallow-code-generation-from-strings', '--frozen-intrinsics'])
    assert.deepEqual([result.code, result.stdout], [0, 'hello libuv\n'])
  })

  const permission = Number(process.versions.node.split('.')[0]) >= 23 ? '--permission' : '--experimental-permission'
  const net = Number(process.versions.node.split('.')[0]) >= 25 ? ['--allow-net'] : []
  for (const [where, prelude, flags, why, forced] of [
    [
      'on a line of Node that was not tested',
      `Object.defineProperty(process.versions, 'node', { value: '27.0.0' });`,
      [],
      /tested are 20, 22, 24, 26/,
      /^bound by libuv/,
    ],
    [
      'on another runtime that shows the same classes',
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, bun: '1.2.0' } });`,
      [],
      /not Node\.js/,
      /^ERR_KNOTTY_TRANSPORT_UNAVAILABLE .*not Node\.js/,
    ],
    [
      'under the permission model',
      '',
      [permission, '--allow-fs-read=*', ...net],
      /--permission/,
      /^ERR_KNOTTY_TRANSPORT_UNAVAILABLE .*--permission/,
    ],
  ] as const) {
    test(`is not used ${where}: node:net is, which one line tells`, async () => {
      const result = await runScript(prelude + TRY, flags)
      assert.deepEqual([result.code, result.stdout], [0, 'bound by net\n'], result.stderr)
      const lines = result.stderr.split('\n').filter((line) => line.includes('node:net is used instead'))
      assert.equal(lines.length, 1, result.stderr)
      assert.match(lines[0] as string, why)
    })

    test(`is tried ${where} when KNOTTY_TRANSPORT says libuv`, async () => {
      const result = await runScript(prelude + TRY, flags, { KNOTTY_TRANSPORT: 'libuv' })
      assert.equal(result.code, 0, result.stderr)
      assert.match(result.stdout, forced)
    })
  }

  test('is not loaded when KNOTTY_TRANSPORT says net, and another value is refused by name', async () => {
    const result = await runScript(`process.binding = () => { throw new Error('loaded') };${ECHO}`, [], { KNOTTY_TRANSPORT: 'net' })
    assert.deepEqual([result.code, result.stdout, result.stderr], [0, 'hello net\n', ''])
    const other = await runScript(TRY, [], { KNOTTY_TRANSPORT: 'epoll' })
    assert.match(other.stdout, /^ERR_KNOTTY_ILLEGAL_ARGUMENT KNOTTY_TRANSPORT: 'epoll' \(expected: 'libuv' or 'net'/)
  })

  test('needs no net.Socket: when none can be made, connect, accept and echo work', async () => {
    const trap = `
      import net from 'node:net'
      import stream from 'node:stream'
      import assert from 'node:assert'
      process.stdout
      stream.Duplex = function () { throw new Error('a net.Socket was made') }
      assert.throws(() => new net.Socket(), /a net.Socket was made/)
    `
    const result = await runScript(trap + ECHO)
    assert.deepEqual([result.code, result.stdout, result.stderr], [0, 'hello libuv\n', ''])
  })
})
