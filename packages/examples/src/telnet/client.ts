// Sends the lines of standard input, prints those of the server until it hangs up: node packages/examples/dist/telnet/client.js --port 9023
import { createInterface } from 'node:readline'
import { Bootstrap, type ChannelHandlerContext, EventLoopGroup, SimpleChannelInboundHandler } from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'
import { addLines } from './pipeline.js'

class PrintHandler extends SimpleChannelInboundHandler<string> {
  override channelRead0(_ctx: ChannelHandlerContext, line: string): void {
    console.log(line)
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '9023', host: '127.0.0.1' })
  const group = new EventLoopGroup()
  try {
    const channel = await new Bootstrap()
      .group(group)
      .handler((ch) => {
        addLines(ch)
        ch.pipeline.addLast(new PrintHandler())
      })
      .connect(portNumber(port), host)
    const input = createInterface({ input: process.stdin })
    channel.closeFuture.addListener(() => input.close())
    let last = ''
    for await (const line of input) {
      last = line
      await channel.writeAndFlush(line)
      if (line === 'bye') break
    }
    if (last !== 'bye' && channel.isActive) await channel.shutdownOutput() // the server answers what it got, and hangs up
    await channel.closeFuture
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
