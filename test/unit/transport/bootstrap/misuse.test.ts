import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { Bootstrap, ServerBootstrap } from '@knotty/transport'

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
