import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { EchoClient } from '../../../packages/examples/dist/demo/echo-client.js'
import { ExampleProcess } from '../../../packages/examples/dist/demo/example-process.js'
import { leakScope } from '../support/leak-scope.js'

describe('a program that the demo runs', () => {
  test('that ends before its time is told of, by whoever waits for a line or for its end', async () => {
    const program = new ExampleProcess('discard/server.js', '--port', '0')
    await program.port()
    const exit = once(program.child, 'exit')
    const line = program.saying(/^never said$/)
    program.child.kill('SIGKILL')
    await assert.rejects(line, /discard\/server\.js ended before it said/)
    await exit
    assert.equal(await program.end('SIGTERM'), null)
  })

  test(
    'and closes its connection fails the round trip that waits',
    leakScope(async (scope) => {
      const program = new ExampleProcess('discard/server.js', '--port', '0') // never answers
      const client = await EchoClient.connect(scope.group(), await program.port())
      const failed = assert.rejects(client.roundTrip(10), /the server closed the connection/)
      await program.end('SIGKILL')
      await failed
    }),
  )
})
