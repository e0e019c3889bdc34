import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { HAS_LIBUV } from '../support/transports.js'

const folder = path.resolve(import.meta.dirname, '../../../packages/examples/dist/echo')
const children = new Set<ChildProcess>()

after(() => {
  for (const child of children) child.kill('SIGKILL')
})

function start(file: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [path.join(folder, file), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

async function startServer(...args: string[]): Promise<{ server: ChildProcess; port: string }> {
  const server = start('server.js', '--port', '0', ...args)
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const port = /^listening on 127\.0\.0\.1:(\d+)\n$/.exec(line.toString())?.[1]
  assert.ok(port, `printed: ${line.toString()}`)
  return { server, port }
}

async function echo(port: string, input: string, ...args: string[]): Promise<{ output: string; errors: string; code: number | null }> {
  const client = start('client.js', '--port', port, ...args)
  const exit = once(client, 'exit') as Promise<[number | null]>
  client.stdin?.end(input)
  const [output, errors] = await Promise.all([text(client.stdout as NodeJS.ReadableStream), text(client.stderr as NodeJS.ReadableStream)])
  const [code] = await exit
  return { output, errors, code }
}

describe('the echo example', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`with length4 framing the client gets each line back, and ${signal} stops the server with code 0`, async () => {
      const { server, port } = await startServer('--framing', 'length4')
      assert.deepEqual(await echo(port, 'one\ntwo\n\nthree\n'), { output: 'one\ntwo\n\nthree\n', errors: '', code: 0 })
      const exit = once(server, 'exit')
      server.kill(signal)
      assert.deepEqual(await exit, [0, null])
    })
  }

  test('without framing the bytes come back', async () => {
    const { server, port } = await startServer('--framing', 'none')
    const { output, errors, code } = await echo(port, 'bytes\n', '--framing', 'none')
    assert.deepEqual({ output, errors, code }, { output: 'bytes\n', errors: '', code: 0 })
    server.kill('SIGTERM')
    await once(server, 'exit')
  })

  for (const transport of HAS_LIBUV ? ['net', 'libuv'] : ['net']) {
    test(`with --transport ${transport} on both sides the client gets each line back`, async () => {
      const { server, port } = await startServer('--transport', transport)
      const { output, errors, code } = await echo(port, 'one\ntwo\n', '--transport', transport)
      assert.deepEqual({ output, errors, code }, { output: 'one\ntwo\n', errors: '', code: 0 })
      server.kill('SIGTERM')
      await once(server, 'exit')
    })
  }

  test('SIGTERM closes a connection that is open, and the server ends with code 0', async () => {
    const { server, port } = await startServer('--framing', 'none')
    const socket = net.connect({ port: Number(port), host: '127.0.0.1' })
    socket.write('hello')
    await once(socket, 'data')
    const exit = once(server, 'exit')
    const closed = once(socket, 'close')
    server.kill('SIGTERM')
    assert.deepEqual([await exit, await closed], [[0, null], [false]])
  })

  test('a transport or framing that does not exist is refused with code 2 and its name', async () => {
    for (const [option, value] of [['--transport', 'tcp'], ['--framing', 'lines']] as const) {
      const server = start('server.js', option, value)
      const exit = once(server, 'exit')
      assert.match(await text(server.stderr as NodeJS.ReadableStream), new RegExp(`${option} ${value}: `))
      assert.deepEqual(await exit, [2, null])
    }
  })

  test('a client that nobody answers ends with code 1 and the reason', async () => {
    const { server, port } = await startServer()
    server.kill('SIGTERM')
    await once(server, 'exit')
    const { errors, code } = await echo(port, 'hello\n')
    assert.match(errors, /ECONNREFUSED/)
    assert.equal(code, 1)
  })
})
