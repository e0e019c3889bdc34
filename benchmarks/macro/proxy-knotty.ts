// Passes connections on to 127.0.0.1:TARGET_PORT: node proxy-knotty.js TARGET_PORT. Prints `listening on 127.0.0.1:PORT`.
// As packages/examples/src/proxy, without the end of one direction alone.
import process from 'node:process'
import { BackPressureHandler } from '@knotty/handler'
import { Bootstrap, type ChannelHandler, type ChannelHandlerContext, ChannelOption, EventLoopGroup, ServerBootstrap } from '@knotty/transport'
import { Relay } from './relay.js'

class Connect implements ChannelHandler {
  readonly isSharable = true

  /** The client is not read before the target is there: BackPressureHandler holds it until its peer is writable. */
  channelActive(ctx: ChannelHandlerContext): void {
    const front = ctx.channel
    const connecting = target
      .clone()
      .handler((back) => back.pipeline.addLast(new BackPressureHandler({ peer: front }), new Relay(front)))
      .connect()
    const back = connecting.channel
    front.pipeline.addLast(new BackPressureHandler({ peer: back }), new Relay(back))
    connecting.addListener((done) => {
      if (!done.isSuccess) front.close()
    })
    ctx.pipeline.remove(this)
  }
}

const group = new EventLoopGroup()
const target = new Bootstrap().group(group).remoteAddress(Number(process.argv[2]), '127.0.0.1').option(ChannelOption.TCP_NODELAY, true)
const connect = new Connect()
const server = await new ServerBootstrap()
  .group(group)
  .childHandler((channel) => channel.pipeline.addLast(connect))
  .bind(0, '127.0.0.1')
console.log(`listening on ${String(server.localAddress)}`)
