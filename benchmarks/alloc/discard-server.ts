// The peer of the loopback case: reads everything, and answers with one byte each time it has read as many as its argument says.
// Prints `listening on 127.0.0.1:PORT`.
import { Buffer } from 'node:buffer'
import process from 'node:process'
import type { ByteBuf } from '@knotty/buffer'
import { type ChannelHandlerContext, EventLoopGroup, ServerBootstrap } from '@knotty/transport'

const window = Number(process.argv[2])
const server = await new ServerBootstrap()
  .group(new EventLoopGroup())
  .childHandler((channel) => {
    let read = 0
    return channel.pipeline.addLast({
      channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
        const bytes = msg as ByteBuf
        read += bytes.readableBytes
        bytes.release()
        for (; read >= window; read -= window) ctx.writeAndFlush(Buffer.of(1), null)
      },
    })
  })
  .bind(0, '127.0.0.1')
console.log(`listening on ${String(server.localAddress)}`)
