import assert from 'node:assert/strict'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { type ByteBuf, CorruptedFrameError, EmbeddedChannel, EncoderError, TooLongFrameError, Unpooled } from 'knotty'
import { MAX_BODY_BYTES, Message, REQUEST, RESPONSE } from '../../../packages/examples/dist/custom-protocol/message.js'
import { MessageDecoder } from '../../../packages/examples/dist/custom-protocol/message-decoder.js'
import { MessageEncoder } from '../../../packages/examples/dist/custom-protocol/message-encoder.js'
import { RequestHandler } from '../../../packages/examples/dist/custom-protocol/request-handler.js'
import { UpperCaseHandler } from '../../../packages/examples/dist/custom-protocol/server.js'
import { ExampleProcesses } from '../support/example-process.js'
import { assertStopsReading } from '../support/greedy-client.js'

const programs = new ExampleProcesses('custom-protocol')

after(() => programs.killAll())

const bytes = (hex: string): ByteBuf => Unpooled.wrappedBuffer(Buffer.from(hex, 'hex'))

describe('the codec of the custom protocol', () => {
  test('a message is 8 bytes of header and its text', () => {
    const channel = new EmbeddedChannel(new MessageEncoder())
    channel.writeOutbound(new Message(REQUEST, 'hi'))
    const out = channel.readOutbound() as ByteBuf
    assert.equal(out.asBuffer().toString('hex'), '4b4e0101000000026869')
  })

  test('messages come out the same wherever the bytes are cut', () => {
    const stream = Buffer.from('4b4e01010000000268694b4e010200000000', 'hex')
    for (let cut = 0; cut <= stream.length; cut++) {
      const channel = new EmbeddedChannel(new MessageDecoder())
      channel.writeInbound(Unpooled.copiedBuffer(stream.subarray(0, cut)), Unpooled.copiedBuffer(stream.subarray(cut)))
      assert.deepEqual(channel.readInbound(), new Message(REQUEST, 'hi'))
      assert.deepEqual(channel.readInbound(), new Message(RESPONSE, ''))
      assert.equal(channel.finish(), false)
    }
  })

  for (const [what, header, error, text] of [
    ['wrong magic', '474554200000000f', CorruptedFrameError, /magic: 0x4745 \(expected: 0x4b4e\)/],
    ['a version it does not know', '4b4e020100000000', CorruptedFrameError, /version: 2 \(expected: 1\)/],
    ['a type it does not know', '4b4e010900000000', CorruptedFrameError, /type: 9 \(expected: 1 to 3\)/],
    ['a body above the cap', '4b4e0101ffffffff', TooLongFrameError, /a body of 4294967295 bytes \(at most 65536\)/],
  ] as const) {
    test(`${what} is refused by the header alone`, () => {
      const channel = new EmbeddedChannel(new MessageDecoder())
      assert.throws(
        () => channel.writeInbound(bytes(header)),
        (thrown) => thrown instanceof error && text.test(thrown.message),
      )
    })
  }

  test('a text above the cap fails its own write', async () => {
    const channel = new EmbeddedChannel(new MessageEncoder())
    await assert.rejects(Promise.resolve(channel.writeAndFlush(new Message(REQUEST, 'x'.repeat(MAX_BODY_BYTES + 1)))), (thrown: Error) => {
      return thrown instanceof EncoderError && /at most 65536/.test(thrown.message)
    })
    assert.ok(channel.isOpen)
  })

  test('the handler answers requests, and says no to anything else', () => {
    const channel = new EmbeddedChannel(new UpperCaseHandler())
    channel.writeInbound(new Message(REQUEST, 'hello'), new Message(RESPONSE, 'x'))
    assert.deepEqual(channel.readOutbound(), new Message(RESPONSE, 'HELLO'))
    assert.equal((channel.readOutbound() as Message).text, 'type 2 is no request')
  })
})

describe('the request handler of a client', () => {
  const open = (timeoutMs: number): { channel: EmbeddedChannel; requests: RequestHandler } => {
    const requests = new RequestHandler(timeoutMs)
    return { channel: EmbeddedChannel.with({ freezeTime: true }, new MessageEncoder(), requests), requests }
  }

  test('an answer that came in time closes nothing later', async () => {
    const { channel, requests } = open(1000)
    const answer = requests.ask('hello')
    channel.writeInbound(new Message(RESPONSE, 'HELLO'))
    assert.equal(await answer, 'HELLO')
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 0)
    channel.advanceTimeBy(2000)
    assert.ok(channel.isOpen)
    channel.finishAndReleaseAll()
  })

  test('a request that could not be sent takes no answer', async () => {
    const { channel, requests } = open(1000)
    await assert.rejects(requests.ask('x'.repeat(MAX_BODY_BYTES + 1)), EncoderError)
    const answer = requests.ask('hello')
    channel.writeInbound(new Message(RESPONSE, 'HELLO'))
    assert.equal(await answer, 'HELLO')
    channel.finishAndReleaseAll()
  })

  test('1,024 requests may wait, one more is refused; all are told when the connection ends', async () => {
    const { channel, requests } = open(1000)
    const waiting = Array.from({ length: 1024 }, () => requests.ask('hello'))
    await assert.rejects(requests.ask('one more'), /1024 requests wait already/)
    channel.close()
    for (const each of waiting) await assert.rejects(each, /closed before the answer came/)
    channel.finishAndReleaseAll()
  })
})

describe('the programs of the custom protocol', () => {
  test('the client prints the answer to each line', async () => {
    const { server, port } = await programs.startServer()
    const ended = await programs.run('client.js', 'hello\nwörld\n\n', '--port', port)
    assert.deepEqual(ended, { output: 'HELLO\nWÖRLD\n\n', errors: '', code: 0 })
    await programs.stop(server)
  })

  test('a line above the cap is told with its length, and the client ends with code 1', async () => {
    const { server, port } = await programs.startServer()
    const { errors, code } = await programs.run('client.js', `${'x'.repeat(MAX_BODY_BYTES + 1)}\n`, '--port', port)
    assert.match(errors, /a body of 65537 bytes \(at most 65536\)/)
    assert.equal(code, 1)
    await programs.stop(server)
  })

  test('a server that does not answer is given up in time, and the client ends with code 1', async (t) => {
    const silent = net.createServer((socket) => socket.on('error', () => undefined).resume())
    t.after(() => silent.close())
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const port = String((silent.address() as net.AddressInfo).port)
    const { output, errors, code } = await programs.run('client.js', 'hello?\n', '--port', port, '--timeout-ms', '50')
    assert.deepEqual({ output, errors, code }, { output: '', errors: 'no answer within 50 ms\n', code: 1 })
  })

  test('a client that sends and does not read is not read either', async () => {
    const { server, port } = await programs.startServer()
    const channel = new EmbeddedChannel(new MessageEncoder())
    channel.writeOutbound(new Message(REQUEST, 'x'.repeat(1000)))
    await assertStopsReading({ server, port }, Buffer.from((channel.readOutbound() as ByteBuf).asBuffer()))
    await programs.stop(server)
  })

  test('the client ends with code 1 when the server is gone, its input open', async () => {
    const { server, port } = await programs.startServer()
    const client = programs.start('client.js', '--port', port) as ChildProcessWithoutNullStreams
    const exit = once(client, 'exit')
    client.stdin.write('hello\n')
    await once(client.stdout, 'data')
    server.kill('SIGKILL')
    assert.deepEqual([await text(client.stderr), await exit], ['the server closed the connection\n', [1, null]])
  })

  test('a stranger that speaks HTTP is hung up on, and the server goes on', async () => {
    const { server, port } = await programs.startServer()
    server.stderr?.resume()
    const stranger = net.connect(Number(port), '127.0.0.1')
    stranger.on('error', () => undefined)
    stranger.end('GET / HTTP/1.1\r\n\r\n')
    stranger.resume()
    await once(stranger, 'close')
    assert.equal((await programs.run('client.js', 'still here\n', '--port', port)).output, 'STILL HERE\n')
    await programs.stop(server)
  })
})
