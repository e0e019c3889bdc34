// Holds idle connections on Knotty, each with a framer, an idle handler and a handler of the user: node --expose-gc idle-knotty.js
// FIRST LAST [exchanged]. With `exchanged` a connection counts when it has answered its first message. Prints `listening on 127.0.0.1:PORT`, then what idle-memory.ts says.
import process from 'node:process'
import { LengthFieldBasedFrameDecoder } from '@knotty/codec'
import { IdleStateEvent, IdleStateHandler } from '@knotty/handler'
import { type ChannelHandler, type ChannelHandlerContext, EventLoopGroup, ServerBootstrap } from '@knotty/transport'
import { reportIdleMemory } from './idle-memory.js'

const exchanged = process.argv[4] === 'exchanged'
const counted = reportIdleMemory(Number(process.argv[2]), Number(process.argv[3]))

class Session implements ChannelHandler {
  messages = 0

  channelActive(ctx: ChannelHandlerContext): void {
    if (!exchanged) counted()
    ctx.fireChannelActive()
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.writeAndFlush(msg, null)
    if (exchanged && this.messages++ === 0) counted()
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof IdleStateEvent) ctx.close()
    else ctx.fireUserEventTriggered(event)
  }
}

const server = await new ServerBootstrap()
  .group(new EventLoopGroup())
  .childHandler((channel) =>
    channel.pipeline.addLast(
      new IdleStateHandler({ readerIdleMs: 600_000 }),
      new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 20, lengthFieldLength: 4, initialBytesToStrip: 4 }),
      new Session(),
    ),
  )
  .bind(0, '127.0.0.1')
console.log(`listening on ${String(server.localAddress)}`)
