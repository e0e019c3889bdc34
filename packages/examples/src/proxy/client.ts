// Sends random bytes through the proxy to an echo server and compares what comes back:
// node packages/examples/dist/proxy/client.js --port 9080 --mebibytes 100
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { Bootstrap, type ByteBuf, type ChannelHandlerContext, ChannelOption, EventLoopGroup, SimpleChannelInboundHandler, Unpooled } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'

const PIECE_BYTES = 256 * 1024

/** Writes while the channel is writable, and hashes both directions. */
class CompareHandler extends SimpleChannelInboundHandler<ByteBuf> {
  private readonly sent: Hash = createHash('sha256')
  private readonly received: Hash = createHash('sha256')
  private left: number
  receivedBytes = 0

  constructor(bytes: number) {
    super()
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

  override channelRead0(_ctx: ChannelHandlerContext, chunk: ByteBuf): void {
    this.receivedBytes += chunk.readableBytes
    this.received.update(chunk.unsafeBuffer()) // hashed at once, so not kept
  }

  isSame(): boolean {
    return this.sent.digest('hex') === this.received.digest('hex')
  }

  private sendMore(ctx: ChannelHandlerContext): void {
    if (this.left === 0) return
    while (this.left > 0 && ctx.channel.isWritable) {
      const piece = randomBytes(Math.min(PIECE_BYTES, this.left))
      this.left -= piece.length
      this.sent.update(piece)
      ctx.write(Unpooled.wrappedBuffer(piece), null)
    }
    ctx.flush()
    if (this.left === 0) ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(() => ctx.channel.shutdownOutput())
  }
}

async function main(): Promise<void> {
  const { port, host, mebibytes } = readOptions({ port: '9080', host: '127.0.0.1', mebibytes: '100' })
  const bytes = wholeNumber(mebibytes, 'mebibytes', 0, 1024 * 1024) * 1024 * 1024
  const group = new EventLoopGroup()
  const compare = new CompareHandler(bytes)
  try {
    const channel = await new Bootstrap()
      .group(group)
      .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
      .handler((ch) => ch.pipeline.addLast(compare))
      .connect(portNumber(port), host)
    await channel.closeFuture
    if (!compare.isSame()) throw new Error(`${compare.receivedBytes} of ${bytes} bytes came back, and they are not the same`)
    console.log(`${bytes} bytes came back the same`)
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
