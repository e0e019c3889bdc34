// Sends bytes as fast as the server takes them: node packages/examples/dist/discard/client.js --port 9009 --mebibytes 100
import { Bootstrap, type ChannelHandler, type ChannelHandlerContext, EventLoopGroup, Unpooled } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'

const PIECE = Buffer.alloc(64 * 1024, 0x2e)

/**
 * Writes while the channel is writable and goes on when it is again: however slow the server is, no more than the high water mark and
 * one piece wait in this process.
 */
class SendHandler implements ChannelHandler {
  private left: number

  constructor(bytes: number) {
    this.left = bytes
  }

  channelActive(ctx: ChannelHandlerContext): void {
    this.sendMore(ctx)
    ctx.fireChannelActive()
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    this.sendMore(ctx)
    ctx.fireChannelWritabilityChanged()
  }

  private sendMore(ctx: ChannelHandlerContext): void {
    if (this.left === 0) return
    while (this.left > 0 && ctx.channel.isWritable) {
      const piece = Unpooled.wrappedBuffer(PIECE.subarray(0, this.left))
      this.left -= piece.readableBytes
      ctx.write(piece, null)
    }
    ctx.flush()
    if (this.left === 0) ctx.channel.closeAfterFlush()
  }
}

async function main(): Promise<void> {
  const { port, host, mebibytes } = readOptions({ port: '9009', host: '127.0.0.1', mebibytes: '100' })
  const bytes = wholeNumber(mebibytes, 'mebibytes', 0, 1024 * 1024) * 1024 * 1024
  const group = new EventLoopGroup()
  try {
    const channel = await new Bootstrap()
      .group(group)
      .handler((ch) => ch.pipeline.addLast(new SendHandler(bytes)))
      .connect(portNumber(port), host)
    await channel.closeFuture
    if (channel.bytesWritten < bytes) throw new Error(`the server closed after ${channel.bytesWritten} of ${bytes} bytes`)
    console.log(`sent ${channel.bytesWritten} bytes`)
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
