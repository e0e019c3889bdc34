import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChannelHandler, ChannelOption } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'
import { connectTo, LOCAL_PLACE, option, serveAt } from '../../support/tcp.js'

test(
  'a local peer whose event loop was shut down while it had to wait for room: what it had sent is read, then the end',
  leakScope(async (scope) => {
    const messages: unknown[] = []
    const keeper: ChannelHandler = {
      channelRead(ctx, msg) {
        messages.push(msg)
        ctx.read()
      },
    }
    const here = scope.group()
    const server = await serveAt(scope, scope.group(), LOCAL_PLACE, () => [keeper], [
      option(ChannelOption.AUTO_READ, false),
      option(ChannelOption.LIVENESS_PROBE_MS, 0),
      option(ChannelOption.SO_RCVBUF, 500),
    ])
    const client = await connectTo(scope, here, server.address)
    const child = await server.child()
    for (let number = 0; number < 20; number++) client.write(number, null)
    client.flush()
    assert.equal(client.outboundBuffer?.isEmpty, false) // it waits for room
    await client.close()
    await here.shutdownGracefully({ quietPeriodMs: 0 })
    child.read()
    await child.closeFuture
    assert.deepEqual(messages, [0, 1, 2, 3, 4])
  }),
)

test(
  'shutdownInput() among local messages that came together: channelReadComplete follows the last one that was delivered',
  leakScope(async (scope) => {
    const log: unknown[] = []
    const logger: ChannelHandler = {
      channelRead(ctx, msg) {
        log.push(msg)
        if (msg === 1) ctx.channel.shutdownInput()
      },
      channelReadComplete: () => void log.push('complete'),
    }
    const server = await serveAt(scope, scope.group(), LOCAL_PLACE, () => [logger])
    const client = await connectTo(scope, scope.group(), server.address)
    const child = await server.child()
    for (let number = 0; number < 4; number++) client.write(number, null)
    client.flush()
    await client.close()
    await child.closeFuture
    assert.deepEqual(log, [0, 1, 'complete'])
  }),
)
