import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Channel, EmbeddedChannel, LibuvSocketChannel } from '@knotty/transport'
import { ServerBootstrapAcceptor } from '../../../../../packages/transport/dist/bootstrap/server-bootstrap-acceptor.js'

const settings = { registrar: { register: () => assert.fail('registered') }, handler: {}, options: new Map(), attrs: new Map() }

// The twelve exits are in test/accept.
test('what is no channel passes the acceptor', () => {
  const server = new EmbeddedChannel(new ServerBootstrapAcceptor(settings))
  server.writeInbound('message')
  assert.equal(server.readInbound(), 'message')
})

test('a channel that is closed already gets no handler and is not registered', () => {
  const child = new LibuvSocketChannel()
  child.closeForcibly()
  const registered: unknown[] = []
  const registrar = {
    register(channel: Channel) {
      registered.push(channel)
      return channel.newPromise()
    },
  }
  const server = new EmbeddedChannel(new ServerBootstrapAcceptor({ ...settings, registrar }))
  server.writeInbound(child)
  assert.deepEqual([server.readInbound(), child.pipeline.names, registered], [undefined, [], []])
})
