import { randomBytes } from 'node:crypto'
import {
  Bootstrap,
  type ByteBuf,
  type Channel,
  type ChannelHandlerContext,
  type EventLoopGroup,
  SimpleChannelInboundHandler,
  Unpooled,
} from 'knotty'
import { addFraming } from '../echo/pipeline.js'

/** Hands each message that comes back to whoever waits for it. */
class ReplyHandler extends SimpleChannelInboundHandler<ByteBuf> {
  private waiting: { readonly resolve: (reply: Buffer) => void; readonly reject: (error: Error) => void } | undefined

  next(): Promise<Buffer> {
    return new Promise((resolve, reject) => (this.waiting = { resolve, reject }))
  }

  override channelRead0(_ctx: ChannelHandlerContext, msg: ByteBuf): void {
    this.waiting?.resolve(Buffer.from(msg.asBuffer()))
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.waiting?.reject(new Error('the server closed the connection'))
    ctx.fireChannelInactive()
  }
}

/** A client of the length-framed echo server that checks what comes back. */
export class EchoClient {
  readonly channel: Channel
  private readonly replies: ReplyHandler

  private constructor(channel: Channel, replies: ReplyHandler) {
    this.channel = channel
    this.replies = replies
  }

  static async connect(group: EventLoopGroup, port: number): Promise<EchoClient> {
    const replies = new ReplyHandler()
    const channel = await new Bootstrap()
      .group(group)
      .handler((ch) => {
        addFraming(ch, 'length4')
        ch.pipeline.addLast(replies)
      })
      .connect(port, '127.0.0.1')
    return new EchoClient(channel, replies)
  }

  /** Sends a message of random bytes; ms until the same bytes are back. */
  async roundTrip(bytes: number): Promise<number> {
    const message = randomBytes(bytes)
    const start = performance.now()
    const reply = this.replies.next()
    this.channel.writeAndFlush(Unpooled.wrappedBuffer(message), null)
    if (!message.equals(await reply)) throw new Error(`a message of ${bytes} bytes came back changed`)
    return performance.now() - start
  }

  /** Sends one frame in pieces of one or two bytes, each in a packet of its own; the number of pieces. */
  async inPieces(messageBytes: number): Promise<number> {
    const message = randomBytes(messageBytes)
    const frame = Buffer.alloc(4 + messageBytes)
    frame.writeInt32BE(messageBytes)
    message.copy(frame, 4)
    const reply = this.replies.next()
    let pieces = 0
    for (let at = 0; at < frame.length; pieces++) {
      const end = Math.min(at + 1 + (pieces % 2), frame.length)
      await this.writeRaw(frame.subarray(at, end))
      at = end
    }
    if (!message.equals(await reply)) throw new Error('a frame in pieces came back changed')
    return pieces
  }

  /** Announces a message of so many bytes and waits until the server has closed the connection. */
  async announce(bytes: number): Promise<string> {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(bytes)
    await this.writeRaw(header)
    await this.channel.closeFuture
    return 'the server refused it and closed the connection'
  }

  /** Writes past the framing: from the first handler towards the head. */
  private writeRaw(bytes: Uint8Array): PromiseLike<void> {
    const framer = this.channel.pipeline.context(this.channel.pipeline.names[0] as string)
    if (framer === undefined) throw new Error('the pipeline is empty')
    return framer.writeAndFlush(bytes)
  }
}
