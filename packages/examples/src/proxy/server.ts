// Passes connections on: node packages/examples/dist/proxy/server.js --port 9080 --target-port 9000 --target-host 127.0.0.1
import {
  BackPressureHandler,
  Bootstrap,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelOption,
  EventLoopGroup,
  ServerBootstrap,
  shutdownOnSignal,
} from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'
import { RelayHandler } from './relay-handler.js'

/**
 * Connects to the target for each client. Both sides are tied together from the start: the client is not read before the target is
 * there, and from then on neither side is read faster than the other one takes it.
 */
class ConnectHandler implements ChannelHandler {
  readonly isSharable = true
  private readonly target: Bootstrap

  constructor(target: Bootstrap) {
    this.target = target
  }

  channelActive(ctx: ChannelHandlerContext): void {
    const front = ctx.channel
    const connecting = this.target
      .clone()
      .handler((back) => back.pipeline.addLast(new BackPressureHandler({ peer: front }), new RelayHandler(front)))
      .connect()
    const back = connecting.channel
    front.pipeline.addLast(new BackPressureHandler({ peer: back }), new RelayHandler(back))
    connecting.addListener((done) => {
      if (done.isSuccess) return
      console.error(`${String(front.remoteAddress)} is turned away: ${String(done.cause?.message)}`)
      front.close()
    })
    ctx.pipeline.remove(this)
  }
}

async function main(): Promise<void> {
  const options = readOptions({ port: '9080', host: '127.0.0.1', 'target-port': '9000', 'target-host': '127.0.0.1' })
  const group = new EventLoopGroup()
  const target = new Bootstrap()
    .group(group)
    .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
    .remoteAddress(portNumber(options['target-port']), options['target-host'])
  const server = await new ServerBootstrap()
    .group(group)
    .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
    .childHandler(new ConnectHandler(target))
    .bind(portNumber(options.port), options.host)
  shutdownOnSignal({ group, servers: server })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
