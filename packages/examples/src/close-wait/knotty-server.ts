// A server whose registrations fail: node packages/examples/dist/close-wait/knotty-server.js --port 0
import { type ChannelHandler, type ChannelHandlerContext, EventLoopGroup, ServerBootstrap, shutdownOnSignal } from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'

/** Keeps something of one connection, so it is not sharable, and yet the one instance is given to all of them: that is the fault. */
class CountingEcho implements ChannelHandler {
  private messages = 0

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.messages++
    ctx.writeAndFlush(msg, null)
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '0', host: '127.0.0.1' })
  const group = new EventLoopGroup()
  const server = await new ServerBootstrap().group(group).childHandler(new CountingEcho()).bind(portNumber(port), host)
  server.events.on('refused', ({ reason }) => console.error(`refused: ${reason}`))
  shutdownOnSignal({ group, servers: server })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
