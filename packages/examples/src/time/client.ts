// Prints the time that a server tells: node packages/examples/dist/time/client.js --port 9037
import { Bootstrap, type ChannelHandlerContext, EventLoopGroup, ReadTimeoutHandler, SimpleChannelInboundHandler } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'
import { TimeDecoder } from './time-codec.js'

class PrintTimeHandler extends SimpleChannelInboundHandler<Date> {
  told = false
  cause: Error | undefined = undefined

  override channelRead0(ctx: ChannelHandlerContext, time: Date): void {
    if (this.told) return // some servers tell it twice
    this.told = true
    console.log(time.toISOString())
    ctx.close()
  }

  /** Nothing came in time, or the connection broke. */
  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    this.cause = cause
    ctx.close()
  }
}

async function main(): Promise<void> {
  const { port, host, 'timeout-ms': timeout } = readOptions({ port: '9037', host: '127.0.0.1', 'timeout-ms': '5000' })
  const timeoutMs = wholeNumber(timeout, 'timeout-ms', 1, 600_000) // a server of the time speaks at once; another one may wait for us to
  const group = new EventLoopGroup()
  const printer = new PrintTimeHandler()
  try {
    const channel = await new Bootstrap()
      .group(group)
      .handler((ch) => ch.pipeline.addLast(new ReadTimeoutHandler({ timeoutMs }), new TimeDecoder(), printer))
      .connect(portNumber(port), host)
    await channel.closeFuture
    if (!printer.told) throw printer.cause ?? new Error('the server closed without telling the time')
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
