import assert from 'node:assert/strict'
import net from 'node:net'
import type { TestContext } from 'node:test'
import { openSocketInodes } from '@knotty/testing'
import { type Channel, type EventLoopGroup, ServerBootstrap, type ServerChannel } from '@knotty/transport'
import { libuvBinding, type TcpHandle } from '../../../../../packages/transport/dist/socket/libuv/binding.js'
import type { LeakScope } from '../../../support/leak-scope.js'

/** Does nothing: what a test connects with when nothing is sent. */
export function noHandler(): void {}

/** A server that ignores its connections; closed with them at the end of the scope. */
export async function idleServer(
  scope: LeakScope,
  group: EventLoopGroup,
  host = '127.0.0.1',
): Promise<{ server: ServerChannel; port: number }> {
  const children: Channel[] = []
  const server = await new ServerBootstrap()
    .group(group)
    .childHandler((ch) => void children.push(ch))
    .bind(0, host)
  scope.onEnd(async () => {
    await server.close()
    for (const child of children) child.close()
  })
  return { server, port: portOf(server) }
}

export function portOf(channel: Channel): number {
  return (channel.localAddress as { port: number }).port
}

/** Runs `body` and asserts that no socket was opened while it did. */
export async function withoutSocket(body: () => Promise<void>): Promise<void> {
  const before = openSocketInodes()
  await body()
  assert.deepEqual(openSocketInodes(), before, 'a socket was opened')
}

/** From here on connects to `address` never come to an end. */
export function hangConnectsTo(t: TestContext, address: string): void {
  const prototype = libuvBinding().TCP.prototype as TcpHandle
  const original = prototype.connect
  t.mock.method(prototype, 'connect', function connect(this: TcpHandle, ...args: Parameters<typeof original>) {
    return args[1] === address ? 0 : original.apply(this, args)
  })
}

/** Connects with node:net and waits until the server knows the connection. */
export async function connectPlain(port: number, host: string): Promise<net.Socket> {
  const socket = net.connect({ port, host })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', noHandler)
  return socket
}
