// Tells the time and closes (RFC 868): node packages/examples/dist/time/server.js --port 9037
import { type ChannelHandler, type ChannelHandlerContext, EventLoopGroup, ServerBootstrap, shutdownOnSignal } from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'
import { encodeTime } from './time-codec.js'

/** Answers a connection itself: the client says nothing. */
class TimeHandler implements ChannelHandler {
  readonly isSharable = true

  channelActive(ctx: ChannelHandlerContext): void {
    ctx.writeAndFlush(encodeTime(ctx.alloc, new Date()), null)
    ctx.channel.closeAfterFlush() // not close(): that would drop what has not left yet
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '9037', host: '127.0.0.1' })
  const group = new EventLoopGroup()
  const server = await new ServerBootstrap().group(group).childHandler(new TimeHandler()).bind(portNumber(port), host)
  shutdownOnSignal({ group, servers: server })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
