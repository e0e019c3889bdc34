// Knotty's echo server, as the benchmarks measure it: node knotty-echo.js framed|raw [SLAB_BYTES]. Prints
// `listening on 127.0.0.1:PORT`. framed: framer, prepender and one handler; raw: the handler alone. KNOTTY_TRANSPORT chooses the transport.
import process from 'node:process'
import { LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import { type Channel, type ChannelHandlerContext, ChannelOption, EventLoopGroup, ServerBootstrap } from '@knotty/transport'

const MAX_FRAME_LENGTH = 1 << 24

class Echo {
  readonly isSharable = true

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg, null)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }

  exceptionCaught(ctx: ChannelHandlerContext): void {
    ctx.close()
  }
}

const [protocol = 'framed', slabBytes = '65536'] = process.argv.slice(2)
const echo = new Echo()

function initialize(channel: Channel): void {
  if (protocol === 'framed') {
    channel.pipeline.addLast(
      new LengthFieldBasedFrameDecoder({ maxFrameLength: MAX_FRAME_LENGTH, lengthFieldLength: 4, initialBytesToStrip: 4 }),
      new LengthFieldPrepender({ lengthFieldLength: 4 }),
    )
  }
  channel.pipeline.addLast(echo)
}

const server = await new ServerBootstrap()
  .group(new EventLoopGroup({ readSlabBytes: Number(slabBytes), writeSlabBytes: Number(slabBytes) }))
  .childOption(ChannelOption.TCP_NODELAY, true)
  .childHandler(initialize)
  .bind(0, '127.0.0.1')
console.log(`listening on ${String(server.localAddress)}`)
