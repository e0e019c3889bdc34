import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import { ExampleProcesses } from '../support/example-process.js'

const discard = new ExampleProcesses('discard')

after(() => discard.killAll())

describe('the discard example', () => {
  test('takes all bytes of a client and says how many came', async () => {
    const { server, port, lines } = await discard.startServer()
    const told = once(lines, 'line')
    const ended = await discard.run('client.js', '', '--port', port, '--mebibytes', '16')
    assert.deepEqual(ended, { output: `sent ${16 * 1024 * 1024} bytes\n`, errors: '', code: 0 })
    assert.match(String(await told), new RegExp(`^127\\.0\\.0\\.1:\\d+ sent ${16 * 1024 * 1024} bytes$`))
    await discard.stop(server)
  })

  test('a client with a wrong option ends with code 2 and says what was expected', async () => {
    const ended = await discard.run('client.js', '', '--mebibytes', 'many')
    assert.deepEqual(ended, { output: '', errors: '--mebibytes many: a whole number from 0 to 1048576\n', code: 2 })
    assert.equal((await discard.run('client.js', '', '--megabytes', '1')).code, 2)
  })

  test('a client whose server goes away in the middle ends with code 1', async (t) => {
    const server = net.createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    t.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const port = String((server.address() as net.AddressInfo).port)
    const { output, errors, code } = await discard.run('client.js', '', '--port', port, '--mebibytes', '1000')
    assert.deepEqual({ output, code }, { output: '', code: 1 })
    assert.match(errors, /^the server closed after \d+ of 1048576000 bytes$/m)
  })
})
