// Takes everything and answers nothing (RFC 863): node packages/examples/dist/discard/server.js --port 9009
import { type ByteBuf, type ChannelHandlerContext, EventLoopGroup, ServerBootstrap, shutdownOnSignal, SimpleChannelInboundHandler } from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'

/** Counts bytes; the base class releases each buffer afterwards. */
class DiscardHandler extends SimpleChannelInboundHandler<ByteBuf> {
  private bytes = 0

  override channelRead0(_ctx: ChannelHandlerContext, chunk: ByteBuf): void {
    this.bytes += chunk.readableBytes
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    console.log(`${String(ctx.channel.remoteAddress)} sent ${this.bytes} bytes`)
    ctx.fireChannelInactive()
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '9009', host: '127.0.0.1' })
  const group = new EventLoopGroup()
  const server = await new ServerBootstrap()
    .group(group)
    .childHandler((channel) => channel.pipeline.addLast(new DiscardHandler()))
    .bind(portNumber(port), host)
  shutdownOnSignal({ group, servers: server })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
