// Accepts connections on Knotty: node churn-knotty.js closing|answering. Prints `listening on 127.0.0.1:PORT`.
// closing: closes each at once; answering: sends back what it reads, until the client ends the connection.
import process from 'node:process'
import { type ChannelHandler, type ChannelHandlerContext, EventLoopGroup, ServerBootstrap } from '@knotty/transport'

class Closing implements ChannelHandler {
  readonly isSharable = true

  channelActive(ctx: ChannelHandlerContext): void {
    ctx.close()
  }
}

class Answering implements ChannelHandler {
  readonly isSharable = true

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.writeAndFlush(msg, null)
  }

  /** The client's reset. */
  exceptionCaught(ctx: ChannelHandlerContext): void {
    ctx.close()
  }
}

const handler = process.argv[2] === 'closing' ? new Closing() : new Answering()
const server = await new ServerBootstrap()
  .group(new EventLoopGroup())
  .childHandler((channel) => channel.pipeline.addLast(handler))
  .bind(0, '127.0.0.1')
console.log(`listening on ${String(server.localAddress)}`)
