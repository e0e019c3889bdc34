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

/** A closed-loop load. */
export interface Load {
  readonly connections: number
  readonly messageBytes: number
  /** Messages on the way on each connection. */
  readonly inFlight: number
  readonly durationMs: number
}

/** Sends the next batch when the whole batch before has come back. */
class BatchHandler extends SimpleChannelInboundHandler<ByteBuf> {
  received = 0
  private readonly load: Load
  private readonly message: ByteBuf

  constructor(load: Load) {
    super()
    this.load = load
    this.message = Unpooled.wrappedBuffer(Buffer.alloc(load.messageBytes, 'x'))
  }

  sendBatch(target: Channel | ChannelHandlerContext): void {
    for (let index = 0; index < this.load.inFlight; index++) target.write(this.message.retainedDuplicate(), null)
    target.flush()
  }

  override channelRead0(ctx: ChannelHandlerContext, _msg: ByteBuf): void {
    if (++this.received % this.load.inFlight === 0) this.sendBatch(ctx)
  }
}

/** Messages a second that a server sends back under this load. */
export async function measureRate(group: EventLoopGroup, port: number, load: Load): Promise<number> {
  const handlers = Array.from({ length: load.connections }, () => new BatchHandler(load))
  const channels = await Promise.all(
    handlers.map((handler) =>
      new Bootstrap()
        .group(group)
        .handler((ch) => {
          addFraming(ch, 'length4')
          ch.pipeline.addLast(handler)
        })
        .connect(port, '127.0.0.1'),
    ),
  )
  const start = performance.now()
  channels.forEach((channel, index) => handlers[index]?.sendBatch(channel))
  await new Promise<void>((resolve) => group.schedule(resolve, load.durationMs))
  const seconds = (performance.now() - start) / 1000
  const received = handlers.reduce((sum, handler) => sum + handler.received, 0)
  await Promise.all(channels.map((channel) => channel.close()))
  return received / seconds
}
