import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import { ExampleProcesses } from '../support/example-process.js'

const proxy = new ExampleProcesses('proxy')
const echo = new ExampleProcesses('echo')

after(() => {
  proxy.killAll()
  echo.killAll()
})

describe('the proxy example', () => {
  test('bytes come back the same through the proxy, and the end of the stream passes both ways', async () => {
    const target = await echo.startServer('--framing', 'none')
    const { server, port } = await proxy.startServer('--target-port', target.port)
    const ended = await proxy.run('client.js', '', '--port', port, '--mebibytes', '32')
    assert.deepEqual(ended, { output: `${32 * 1024 * 1024} bytes came back the same\n`, errors: '', code: 0 })
    await proxy.stop(server)
    await echo.stop(target.server)
  })

  test('a client that does not read holds the target up: nothing piles up in the proxy', async (t) => {
    const total = 256 * 1024 * 1024
    const piece = Buffer.alloc(1024 * 1024, 'x')
    let taken = 0
    const flood = net.createServer((socket) => {
      socket.on('error', () => undefined)
      const more = (): void => {
        while (taken < total) {
          taken += piece.length
          if (!socket.write(piece)) return void socket.once('drain', more)
        }
        socket.end()
      }
      more()
    })
    t.after(() => flood.close())
    flood.listen(0, '127.0.0.1')
    await once(flood, 'listening')
    const { server, port } = await proxy.startServer('--target-port', String((flood.address() as net.AddressInfo).port))
    const client = net.connect({ port: Number(port), host: '127.0.0.1' })
    await once(client, 'readable') // it has come this far, and nobody reads on
    const before = await settled(() => taken)
    assert.ok(before < total / 4, `${before} bytes were taken from the target although nobody reads`)
    let read = 0
    for await (const chunk of client) read += (chunk as Buffer).length
    assert.equal(read, total)
    await proxy.stop(server)
  })

  test('a target that refuses turns the client away, and the proxy goes on', async () => {
    const target = await echo.startServer('--framing', 'none')
    await echo.stop(target.server)
    const { server, port } = await proxy.startServer('--target-port', target.port)
    const told = once(server.stderr as NodeJS.ReadableStream, 'data')
    const client = net.connect({ port: Number(port), host: '127.0.0.1' }).on('error', () => undefined)
    await once(client, 'close')
    assert.match(String(await told), /is turned away: connect ECONNREFUSED/)
    const again = net.connect({ port: Number(port), host: '127.0.0.1' }).on('error', () => undefined)
    await once(again, 'close')
    await proxy.stop(server)
  })
})

/** The value once it stays the same for a while: there is no event for "nothing more happens". */
async function settled(value: () => number): Promise<number> {
  for (let last = -1, rounds = 0; ; ) {
    const now = value()
    rounds = now === last ? rounds + 1 : 0
    if (rounds === 10) return now
    last = now
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}
