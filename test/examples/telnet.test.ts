import assert from 'node:assert/strict'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { after, describe, test } from 'node:test'
import { ExampleProcesses } from '../support/example-process.js'
import { assertStopsReading } from '../support/greedy-client.js'

const telnet = new ExampleProcesses('telnet')

after(() => telnet.killAll())

describe('the telnet example', () => {
  test('greets, answers each line, and hangs up at bye', async () => {
    const { server, port } = await telnet.startServer()
    const { output, errors, code } = await telnet.run('client.js', 'hello\n\ngrüezi\nbye\nnever sent\n', '--port', port)
    assert.deepEqual({ errors, code }, { errors: '', code: 0 })
    const [welcome, now, ...answers] = output.split('\n')
    assert.match(welcome as string, /^Welcome to .+!$/)
    assert.match(now as string, /^It is \d{4}-.*Z now\.$/)
    assert.deepEqual(answers, ["Did you say 'hello'?", 'Please type something.', "Did you say 'grüezi'?", 'Have a good day!', ''])
    await telnet.stop(server)
  })

  test('without bye the client gets its answers and ends when its input ends', async () => {
    const { server, port } = await telnet.startServer()
    const { output, code } = await telnet.run('client.js', 'one\ntwo\n', '--port', port)
    assert.equal(code, 0)
    assert.deepEqual(output.split('\n').slice(2), ["Did you say 'one'?", "Did you say 'two'?", ''])
    await telnet.stop(server)
  })

  test('the client ends with code 0 when the server hangs up, its input open', async () => {
    const { server, port } = await telnet.startServer()
    const client = telnet.start('client.js', '--port', port) as ChildProcessWithoutNullStreams
    const exit = once(client, 'exit')
    await once(client.stdout, 'data')
    await telnet.stop(server)
    assert.deepEqual(await exit, [0, null])
  })

  test('a client that sends and does not read is not read either', async () => {
    const { server, port } = await telnet.startServer()
    await assertStopsReading({ server, port }, Buffer.from(`${'x'.repeat(1000)}\r\n`))
    await telnet.stop(server)
  })

  test('a line that is too long is told so, and the talk goes on', async () => {
    const { server, port } = await telnet.startServer()
    const { output } = await telnet.run('client.js', `${'x'.repeat(10_000)}\nstill there?\nbye\n`, '--port', port)
    assert.match(output, /^That was too much: .*8192/m)
    assert.match(output, /^Did you say 'still there\?'\?$/m)
    await telnet.stop(server)
  })
})
