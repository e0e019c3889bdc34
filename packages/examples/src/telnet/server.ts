// Talks in lines: node packages/examples/dist/telnet/server.js --port 9023, then telnet 127.0.0.1 9023, or the client beside it.
import { hostname } from 'node:os'
import {
  BackPressureHandler,
  type ChannelHandlerContext,
  EventLoopGroup,
  ServerBootstrap,
  shutdownOnSignal,
  SimpleChannelInboundHandler,
  TooLongFrameError,
} from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'
import { addLines } from './pipeline.js'

/** Answers each line with a line. */
class TalkHandler extends SimpleChannelInboundHandler<string> {
  readonly isSharable = true

  channelActive(ctx: ChannelHandlerContext): void {
    ctx.write(`Welcome to ${hostname()}!`, null)
    ctx.writeAndFlush(`It is ${new Date().toISOString()} now.`, null)
    ctx.fireChannelActive()
  }

  override channelRead0(ctx: ChannelHandlerContext, line: string): void {
    if (line === 'bye') {
      ctx.writeAndFlush('Have a good day!', null)
      ctx.channel.closeAfterFlush()
    } else {
      ctx.write(line === '' ? 'Please type something.' : `Did you say '${line}'?`, null)
    }
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }

  /** A line that is too long is skipped by the decoder, so the talk can go on; anything else ends it. */
  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    if (cause instanceof TooLongFrameError) ctx.writeAndFlush(`That was too much: ${cause.message}`, null)
    else ctx.fireExceptionCaught(cause)
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '9023', host: '127.0.0.1' })
  const group = new EventLoopGroup()
  const talk = new TalkHandler()
  const server = await new ServerBootstrap()
    .group(group)
    .childHandler((channel) => {
      channel.pipeline.addLast(new BackPressureHandler()) // a client that sends and does not read is not read either
      addLines(channel)
      channel.pipeline.addLast(talk)
    })
    .bind(portNumber(port), host)
  shutdownOnSignal({ group, servers: server })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
