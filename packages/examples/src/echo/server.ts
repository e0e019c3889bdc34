// An echo server: node packages/examples/dist/echo/server.js --port 9000 --framing length4
import {
  BackPressureHandler,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelInputShutdownEvent,
  ChannelOption,
  DrainEvent,
  EventLoopGroup,
  type ServerChannel,
  ServerBootstrap,
  shutdownOnSignal,
} from 'knotty'
import { runAsProgram } from '../command-line.js'
import { type EchoOptions, newServerChannel, readEchoOptions } from './options.js'
import { addFraming } from './pipeline.js'

/** Sends each message back. The write takes over the message, so nobody needs to release it; nobody watches the write either. */
class EchoHandler implements ChannelHandler {
  readonly isSharable = true

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg, null)
  }

  /** One flush for all messages of one read: this is what makes it quick. */
  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }

  /** The client has sent its last byte, or the server is going to end: what was echoed so far is sent, then the connection is closed. */
  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof ChannelInputShutdownEvent || event instanceof DrainEvent) ctx.channel.closeAfterFlush()
    else ctx.fireUserEventTriggered(event)
  }
}

/** Listens; the pipeline of each connection is the framing and the handler. */
async function startEchoServer(group: EventLoopGroup, options: EchoOptions): Promise<ServerChannel> {
  const echo = new EchoHandler()
  return await new ServerBootstrap()
    .group(group)
    .channel(() => newServerChannel(options.transport))
    .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
    .childHandler((channel) => {
      channel.pipeline.addLast(new BackPressureHandler()) // a client that sends and does not read is not read either
      addFraming(channel, options.framing)
      channel.pipeline.addLast(echo)
    })
    .bind(options.port, options.host)
}

async function main(): Promise<void> {
  const options = readEchoOptions(9000)
  const group = new EventLoopGroup()
  const server = await startEchoServer(group, options)
  shutdownOnSignal({ group, servers: server })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
