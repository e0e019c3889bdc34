// Sends each line of standard input and prints what comes back:
// printf 'hello\nworld\n' | node packages/examples/dist/echo/client.js --port 9000
import { createInterface } from 'node:readline'
import { Bootstrap, type ByteBuf, type ChannelHandlerContext, EventLoopGroup, SimpleChannelInboundHandler, Unpooled } from 'knotty'
import { runAsProgram } from '../command-line.js'
import { newClientChannel, readEchoOptions } from './options.js'
import { addFraming } from './pipeline.js'

/** Prints what comes back, and counts its bytes: without framing one line may come in several pieces. */
class PrintHandler extends SimpleChannelInboundHandler<ByteBuf> {
  bytes = 0
  private awaited: { readonly bytes: number; readonly done: () => void } | undefined

  /** Resolves when so many bytes have come in all. */
  received(bytes: number): Promise<void> {
    return new Promise((done) => {
      this.awaited = { bytes, done }
      this.check()
    })
  }

  override channelRead0(_ctx: ChannelHandlerContext, msg: ByteBuf): void {
    this.bytes += msg.readableBytes
    process.stdout.write(`${msg.toString('utf8')}\n`)
    this.check()
  }

  private check(): void {
    if (this.awaited !== undefined && this.bytes >= this.awaited.bytes) this.awaited.done()
  }
}

async function main(): Promise<void> {
  const options = readEchoOptions(9000)
  const group = new EventLoopGroup()
  const printer = new PrintHandler()
  try {
    const channel = await new Bootstrap()
      .group(group)
      .channel(() => newClientChannel(options.transport))
      .handler((ch) => {
        addFraming(ch, options.framing)
        ch.pipeline.addLast(printer)
      })
      .connect(options.port, options.host)
    let stopped = false
    const stop = (): void => {
      stopped = true
      channel.close()
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    const input = createInterface({ input: process.stdin })
    channel.closeFuture.addListener(() => input.close())
    let sent = 0
    for await (const line of input) {
      const message = Unpooled.copiedBuffer(line, 'utf8')
      sent += message.readableBytes
      await channel.writeAndFlush(message)
    }
    if (!stopped && !channel.isActive) throw new Error('the server closed the connection')
    await Promise.race([printer.received(sent), channel.closeFuture])
    if (!stopped && printer.bytes !== sent) throw new Error(`the server closed after ${printer.bytes} of ${sent} bytes`)
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
