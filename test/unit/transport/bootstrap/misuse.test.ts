import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import {
  Bootstrap,
  EmbeddedChannel,
  EventLoopGroup,
  LibuvServerChannel,
  LocalChannel,
  LocalServerChannel,
  NetSocketChannel,
  ServerBootstrap,
} from '@knotty/transport'

test("Netty's order of host and port is refused, and the message shows the right one", () => {
  const wrongOrder = ['127.0.0.1', 9000] as unknown as [number, string]
  const expected = { name: IllegalArgumentError.name, message: /\(9000, '127\.0\.0\.1'\)/ }
  assert.throws(() => new Bootstrap().handler({}).connect(...wrongOrder), expected)
  assert.throws(() => new ServerBootstrap().childHandler(() => undefined).bind(...wrongOrder), expected)
})

test('an old-style constructor passed as handler is refused as a class is', () => {
  function Echo(this: object): void {}
  Echo.prototype['channelRead'] = (): void => undefined
  const echo = Echo as unknown as () => void
  assert.throws(() => new ServerBootstrap().childHandler(echo), /new Echo\(\)/)
  assert.throws(() => new Bootstrap().handler(echo), /new Echo\(\)/)
})

test("Node's { port, host } is refused, and the message shows { address, port }", () => {
  const address = { port: 9000, host: '127.0.0.1' } as unknown as { port: number; address: string }
  assert.throws(() => new Bootstrap().handler({}).connect(address), { name: IllegalArgumentError.name, message: /\{ address, port \}/ })
})

test('a port given as text is refused, and a path that is too long by its bytes', async () => {
  assert.throws(() => new ServerBootstrap().childHandler({}).bind('9000'), /pass the port as a number, 9000/)
  const long = `/tmp/${'ä'.repeat(52)}`
  assert.throws(() => new ServerBootstrap().childHandler(() => undefined).bind(long), /path: 109 bytes \(expected: at most 107/)
  assert.throws(() => new Bootstrap().handler({}).connect(long), /109 bytes/)
  assert.throws(() => new Bootstrap().handler({}).connect(''), /path: '' \(expected: a path/)
})

test('an address of another kind of transport is refused by name', async () => {
  const group = new EventLoopGroup()
  const server = new ServerBootstrap().group(group).childHandler(() => undefined)
  await assert.rejects(async () => await server.channel(() => new LocalServerChannel()).bind(0), /a local channel \(expected: \{ localId \}/)
  await assert.rejects(
    async () => await server.channel(() => new LibuvServerChannel()).bind({ localId: 'a' }),
    /'local:a': this is a socket channel; .*new LocalServerChannel\(\)/,
  )
  const client = new Bootstrap().group(group).handler(() => undefined)
  await assert.rejects(async () => await client.channel(() => new LocalChannel()).connect('/tmp/x'), /'\/tmp\/x': this is a local channel/)
  await assert.rejects(async () => await client.channel(() => new NetSocketChannel()).connect({ localId: 'a' }), /a socket channel/)
  assert.equal(group.next().channelCount, 0)
  await group.shutdownGracefully({ quietPeriodMs: 0 })
})

test("an array of handlers and a promise are refused, and Netty's new NioEventLoopGroup(4) too", () => {
  const { pipeline } = new EmbeddedChannel()
  assert.throws(() => pipeline.addLast([{}] as object), /spread it/)
  assert.throws(() => pipeline.addLast(Promise.resolve({}) as object), /await it first/)
  assert.throws(() => new EventLoopGroup(4 as unknown as object), /options: 4 \(expected: new EventLoopGroup\(/)
  assert.throws(() => pipeline.remove(undefined as unknown as string), /no handler for undefined/)
})

test('what registers no channels is refused as group at once', () => {
  for (const group of [undefined, null, {}, 4]) {
    assert.throws(() => new Bootstrap().group(group as unknown as EventLoopGroup), /^IllegalArgumentError: group: .*EventLoopGroup/)
    if (group !== undefined) {
      const shared = { register: () => assert.fail() } as unknown as EventLoopGroup
      assert.throws(() => new ServerBootstrap().group(shared, group as unknown as EventLoopGroup), /childGroup/)
    }
  }
})
