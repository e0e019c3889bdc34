// Prints the time that a server tells: node packages/examples/dist/time/client.js --port 9037
import { Bootstrap, type ChannelHandlerContext, EventLoopGroup, SimpleChannelInboundHandler } from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'
import { TimeDecoder } from './time-codec.js'

class PrintTimeHandler extends SimpleChannelInboundHandler<Date> {
  told = false

  override channelRead0(ctx: ChannelHandlerContext, time: Date): void {
    this.told = true
    console.log(time.toISOString())
    ctx.close()
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '9037', host: '127.0.0.1' })
  const group = new EventLoopGroup()
  const printer = new PrintTimeHandler()
  try {
    const channel = await new Bootstrap()
      .group(group)
      .handler((ch) => ch.pipeline.addLast(new TimeDecoder(), printer))
      .connect(portNumber(port), host)
    await channel.closeFuture
    if (!printer.told) throw new Error('the server closed without telling the time')
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
