// Closed-loop load on a framed echo server, on raw libuv channels so that it is not the bottleneck.
// node load.js PORT CONNECTIONS MESSAGE_BYTES IN_FLIGHT SECONDS aligned|cut   prints messages a second.
//
// aligned: each connection sends IN_FLIGHT frames when the whole batch before has come back.
// cut:     as aligned, but what is sent ends at a random byte, so that the server has a partial frame at every chunk's end.
import process from 'node:process'
import { type ByteBuf } from '@knotty/buffer'
import { Bootstrap, type Channel, type ChannelHandlerContext, ChannelOption, EventLoopGroup } from '@knotty/transport'

const HEADER_BYTES = 4
const WARM_UP_MS = 500

const [port, connections, messageBytes, inFlight, seconds] = process.argv.slice(2, 7).map(Number) as [number, number, number, number, number]
const cut = process.argv[7] === 'cut'
const frameBytes = HEADER_BYTES + messageBytes
const stream = endlessFrames()
let messages = 0

/** Frames enough for one batch from any offset within a frame. */
function endlessFrames(): Buffer {
  const frame = Buffer.alloc(frameBytes, 'x')
  frame.writeInt32BE(messageBytes)
  return Buffer.concat(Array.from({ length: inFlight + 3 }, () => frame))
}

class Load {
  private sent = 0
  private received = 0

  channelActive(ctx: ChannelHandlerContext): void {
    this.send(ctx)
  }

  channelRead(ctx: ChannelHandlerContext, msg: ByteBuf): void {
    const before = Math.floor(this.received / frameBytes)
    this.received += msg.readableBytes
    msg.release()
    messages += Math.floor(this.received / frameBytes) - before
    if (this.received >= this.sent - (this.sent % frameBytes)) this.send(ctx)
  }

  private send(ctx: ChannelHandlerContext): void {
    const offset = this.sent % frameBytes
    const bytes = inFlight * frameBytes + (cut ? Math.floor((Math.random() - 0.5) * frameBytes) : 0)
    this.sent += bytes
    ctx.writeAndFlush(stream.subarray(offset, offset + bytes), null)
  }
}

const group = new EventLoopGroup({ readSlabBytes: 1 << 18 })
const bootstrap = new Bootstrap().group(group).option(ChannelOption.TCP_NODELAY, true).option(ChannelOption.COPY_THRESHOLD_BYTES, 1024)
const channels: Channel[] = []
for (let index = 0; index < connections; index++) {
  channels.push(await bootstrap.clone().handler((channel) => channel.pipeline.addLast(new Load())).connect(port, '127.0.0.1'))
}
for (const channel of channels) channel.closeFuture.addListener(() => process.exit(1))
setTimeout(() => {
  messages = 0
  const start = performance.now()
  setTimeout(() => {
    console.log(Math.round((messages * 1000) / (performance.now() - start)))
    process.exit(0)
  }, seconds * 1000)
}, WARM_UP_MS)
