import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import { ByteBufAllocator, EmbeddedChannel } from 'knotty'
import { encodeTime, TimeDecoder } from '../../../packages/examples/dist/time/time-codec.js'
import { ExampleProcesses } from '../support/example-process.js'

const time = new ExampleProcesses('time')

after(() => time.killAll())

describe('the time example', () => {
  test('the client prints the time of the server', async () => {
    const { server, port } = await time.startServer()
    const before = Math.floor(Date.now() / 1000) * 1000
    const { output, errors, code } = await time.run('client.js', '', '--port', port)
    assert.deepEqual({ errors, code }, { errors: '', code: 0 })
    const told = new Date(output.trim()).getTime()
    assert.ok(told >= before && told <= Date.now(), output)
    await time.stop(server)
  })

  test('the client does not wait for a server that says nothing', async () => {
    const silent = net.createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      const { port } = silent.address() as net.AddressInfo
      const { output, errors, code } = await time.run('client.js', '', '--port', String(port), '--timeout-ms', '100')
      assert.deepEqual({ output, errors, code }, { output: '', errors: 'nothing was read for 100 ms\n', code: 1 })
    } finally {
      silent.close()
    }
  })

  test('a time that comes twice is told once', async () => {
    const moment = new Date('2026-11-20T12:00:00Z')
    const bytes = encodeTime(ByteBufAllocator.DEFAULT, moment).asBuffer()
    const twice = net.createServer((socket) => socket.on('error', () => undefined).end(Buffer.concat([bytes, bytes]))).listen(0, '127.0.0.1')
    await once(twice, 'listening')
    try {
      const { port } = twice.address() as net.AddressInfo
      assert.equal((await time.run('client.js', '', '--port', String(port))).output, `${moment.toISOString()}\n`)
    } finally {
      twice.close()
    }
  })

  test('the server sends four bytes, the seconds since 1900, and hangs up', async () => {
    const { server, port } = await time.startServer()
    const socket = net.connect(Number(port), '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    await once(socket, 'close')
    const seconds = Buffer.concat(chunks).readUInt32BE()
    assert.equal(Buffer.concat(chunks).length, 4)
    assert.ok(Math.abs(seconds - 2_208_988_800 - Date.now() / 1000) < 60, String(seconds))
    await time.stop(server)
  })

  test('four bytes that come one by one are one time', () => {
    const moment = new Date('2026-11-20T12:00:00Z')
    const bytes = encodeTime(ByteBufAllocator.DEFAULT, moment)
    const channel = new EmbeddedChannel(new TimeDecoder())
    for (let index = 0; index < 4; index++) {
      assert.equal(channel.readInbound(), undefined)
      channel.writeInbound(bytes.readBytes(1))
    }
    assert.deepEqual(channel.readInbound(), moment)
    assert.equal(channel.finish(), false)
  })
})
