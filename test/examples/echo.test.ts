import assert from 'node:assert/strict'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { ExampleProcesses } from '../support/example-process.js'
import { assertStopsReading } from '../support/greedy-client.js'
import { HAS_LIBUV } from '../support/transports.js'

const echo = new ExampleProcesses('echo')

after(() => echo.killAll())

describe('the echo example', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`with length4 framing the client gets each line back, and ${signal} stops the server with code 0`, async () => {
      const { server, port } = await echo.startServer('--framing', 'length4')
      const ended = await echo.run('client.js', 'one\ntwo\n\nthree\n', '--port', port)
      assert.deepEqual(ended, { output: 'one\ntwo\n\nthree\n', errors: '', code: 0 })
      await echo.stop(server, signal)
    })
  }

  test('without framing the bytes come back', async () => {
    const { server, port } = await echo.startServer('--framing', 'none')
    const ended = await echo.run('client.js', 'bytes\n', '--port', port, '--framing', 'none')
    assert.deepEqual(ended, { output: 'bytes\n', errors: '', code: 0 })
    await echo.stop(server)
  })

  for (const transport of HAS_LIBUV ? ['net', 'libuv'] : ['net']) {
    test(`with --transport ${transport} on both sides the client gets each line back`, async () => {
      const { server, port } = await echo.startServer('--transport', transport)
      const ended = await echo.run('client.js', 'one\ntwo\n', '--port', port, '--transport', transport)
      assert.deepEqual(ended, { output: 'one\ntwo\n', errors: '', code: 0 })
      await echo.stop(server)
    })
  }

  test('SIGTERM closes a connection that is open, and the server ends with code 0', async () => {
    const { server, port } = await echo.startServer('--framing', 'none')
    const socket = net.connect({ port: Number(port), host: '127.0.0.1' })
    socket.write('hello')
    await once(socket, 'data')
    const closed = once(socket, 'close')
    await echo.stop(server)
    assert.deepEqual(await closed, [false])
  })

  test('a client that sends and does not read is not read either', async () => {
    const { server, port } = await echo.startServer('--framing', 'none')
    await assertStopsReading({ server, port }, Buffer.alloc(1024))
    await echo.stop(server)
  })

  test('the client ends with its input open: with code 0 at SIGTERM, with code 1 when the server is gone', async () => {
    const { server, port } = await echo.startServer()
    for (const end of ['signal', 'server'] as const) {
      const client = echo.start('client.js', '--port', port)
      const exit = once(client, 'exit')
      const { stdout, stderr, stdin } = client as ChildProcessWithoutNullStreams
      stdin.write('hello\n')
      await once(stdout, 'data')
      if (end === 'signal') client.kill('SIGTERM')
      else server.kill('SIGKILL')
      const errors = await text(stderr)
      assert.deepEqual([await exit, errors], end === 'signal' ? [[0, null], ''] : [[1, null], 'the server closed the connection\n'])
    }
  })

  test('a transport or framing that does not exist is refused with code 2 and its name', async () => {
    for (const [option, value] of [['--transport', 'tcp'], ['--framing', 'lines']] as const) {
      const server = echo.start('server.js', option, value)
      const exit = once(server, 'exit')
      assert.match(await text(server.stderr as NodeJS.ReadableStream), new RegExp(`${option} ${value}: `))
      assert.deepEqual(await exit, [2, null])
    }
  })

  test('a client that nobody answers ends with code 1 and the reason', async () => {
    const { server, port } = await echo.startServer()
    await echo.stop(server)
    const { errors, code } = await echo.run('client.js', 'hello\n', '--port', port)
    assert.match(errors, /ECONNREFUSED/)
    assert.equal(code, 1)
  })
})
