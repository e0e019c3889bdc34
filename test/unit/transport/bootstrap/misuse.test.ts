import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { Bootstrap, EmbeddedChannel, EventLoopGroup, ServerBootstrap } from '@knotty/transport'

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

test('a port given as text is refused, and a path says that there are no Unix sockets yet', async () => {
  assert.throws(() => new ServerBootstrap().childHandler({}).bind('9000'), /pass the port as a number, 9000/)
  await assert.rejects(async () => await new ServerBootstrap().childHandler(() => undefined).bind('/tmp/x'), /Unix domain sockets are not in this release/)
  await assert.rejects(async () => await new Bootstrap().handler({}).connect('/tmp/x'), /Unix domain sockets are not in this release/)
  await EventLoopGroup.shared().shutdownGracefully({ quietPeriodMs: 0 })
})

test("an array of handlers and a promise are refused, and Netty's new NioEventLoopGroup(4) too", () => {
  const { pipeline } = new EmbeddedChannel()
  assert.throws(() => pipeline.addLast([{}] as object), /spread it/)
  assert.throws(() => pipeline.addLast(Promise.resolve({}) as object), /await it first/)
  assert.throws(() => new EventLoopGroup(4 as unknown as object), /expected: options/)
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
