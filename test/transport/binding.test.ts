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
    await new ServerBootstrap().group(group).childHandler(() => {}).bind(0, '127.0.0.1')
    console.log('bound')
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

  test('is refused by name on a line of Node that was not tested, with a code', async () => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '27.0.0' });`
    const result = await runScript(pretend + TRY)
    assert.equal(result.code, 0, result.stderr)
    assert.match(result.stdout, /^ERR_KNOTTY_TRANSPORT_UNAVAILABLE .*tested are 20, 22, 24, 26/)
  })

  test('is refused on another runtime that shows the same classes', async () => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, bun: '1.2.0' } });`
    const result = await runScript(pretend + TRY)
    assert.match(result.stdout, /^ERR_KNOTTY_TRANSPORT_UNAVAILABLE .*not Node\.js/)
  })

  test('is refused with a code under the permission model', async () => {
    const flag = Number(process.versions.node.split('.')[0]) >= 23 ? '--permission' : '--experimental-permission'
    const result = await runScript(TRY, [flag, '--allow-fs-read=*'])
    assert.equal(result.code, 0, result.stderr)
    assert.match(result.stdout, /^ERR_KNOTTY_TRANSPORT_UNAVAILABLE .*--permission/)
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
