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
