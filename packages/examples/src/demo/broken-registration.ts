import { Bootstrap, EventLoopGroup, ServerBootstrap, setLogger } from 'knotty'

/** What {@link brokenRegistration} saw. */
export interface BrokenRegistration {
  readonly connected: number
  readonly refused: number
  readonly reason: string
}

/**
 * A server whose childHandler throws for each connection. On Netty 3, and in corners of Netty 4.1, each of these sockets would stay
 * in CLOSE_WAIT for ever; here the guard of the accept path closes them.
 */
export async function brokenRegistration(clients: number): Promise<BrokenRegistration> {
  const quiet = (): void => undefined
  setLogger({ debug: quiet, info: quiet, warn: quiet, error: quiet }) // one line a connection otherwise
  const group = new EventLoopGroup()
  let refused = 0
  let reason = ''
  try {
    const server = await new ServerBootstrap()
      .group(group)
      .childHandler(() => {
        throw new Error('this childHandler always throws')
      })
      .bind(0, '127.0.0.1')
    server.events.on('refused', (event) => {
      refused++
      reason = `${event.reason}: ${event.cause?.message ?? ''}`
    })
    const { port } = server.localAddress
    const client = new Bootstrap().group(group)
    for (let index = 0; index < clients; index++) {
      const channel = await client.clone().handler({}).connect(port, '127.0.0.1')
      await channel.closeFuture
    }
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
    setLogger(undefined)
  }
  return { connected: clients, refused, reason }
}
