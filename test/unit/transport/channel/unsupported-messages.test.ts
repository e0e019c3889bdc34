import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bootstrap, ServerBootstrap, UnsupportedMessageTypeError } from '@knotty/transport'
import { leakScope } from '../../../support/leak-scope.js'
import { messagesOf, recordLogs } from './recorded-logs.js'

class Reading {}

test('a message that no socket can send is told once for each type, whether anybody looks at the future or not', async (t) => {
  const logs = recordLogs(t)
  const body = leakScope(async ({ group, onEnd }) => {
    const loops = group()
    const server = await new ServerBootstrap().group(loops).childHandler(() => undefined).bind(0, '127.0.0.1')
    onEnd(() => server.close())
    const client = await new Bootstrap().group(loops).handler(() => undefined).connect(server.localAddress as never)
    for (let i = 0; i < 3; i++) void client.writeAndFlush('text')
    await assert.rejects(Promise.resolve(client.writeAndFlush(new Reading())), UnsupportedMessageTypeError)
    const closed = client.closeFuture
    client.writeAndFlush(42, null) // the tail tells, and closes
    await closed
  })
  await body()
  const told = messagesOf(logs, 'warn')
  assert.equal(told.length, 3)
  assert.match(told[0]!, /a message was not sent: .*not strings: add a StringEncoder.*\(told once for each type\)/)
  assert.match(told[1]!, /not Reading: add an encoder/)
  assert.match(told[2]!, /no handler took this exception/)
})
