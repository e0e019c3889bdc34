// The framed echo server the benchmarks measure: length-field framer, prepender, one handler. Prints `listening on 127.0.0.1:PORT`.
import process from 'node:process'
import { LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import { type ChannelHandlerContext, EventLoopGroup, ServerBootstrap } from '@knotty/transport'

class Echo {
  readonly isSharable = true

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg, null)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }
}

const echo = new Echo()
const group = new EventLoopGroup({ readSlabBytes: Number(process.argv[2] ?? 65_536), writeSlabBytes: Number(process.argv[2] ?? 65_536) })
const server = await new ServerBootstrap()
  .group(group)
  .childHandler((channel) =>
    channel.pipeline.addLast(
      new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 20, lengthFieldLength: 4, initialBytesToStrip: 4 }),
      new LengthFieldPrepender({ lengthFieldLength: 4 }),
      echo,
    ),
  )
  .bind(0, '127.0.0.1')
console.log(`listening on ${String(server.localAddress)}`)
process.once('SIGTERM', () => void group.shutdownGracefully({ quietPeriodMs: 0 }))
