import {
  type ByteBuf,
  type ChannelHandler,
  type ChannelHandlerContext,
  Frame,
  type HandlerTypes,
  LengthFieldBasedFrameDecoder,
  MessageToMessageCodec,
  type Pass,
  SimpleChannelInboundHandler,
} from 'knotty'

/** A small protocol: [length: 2][kind: 1][text], requests and pings in, responses out. */
export class Request {
  readonly kind = 'request'
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export class Ping {
  readonly kind = 'ping'
}

export class Response {
  readonly kind = 'response'
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export function framer(): LengthFieldBasedFrameDecoder {
  return new LengthFieldBasedFrameDecoder({ maxFrameLength: 1024, lengthFieldLength: 2, initialBytesToStrip: 2 })
}

/** Frame -> Request | Ping, Response -> ByteBuf. */
export class RpcCodec extends MessageToMessageCodec<Frame, Response, Request | Ping, ByteBuf> {
  constructor() {
    super({ inbound: Frame, outbound: Response })
  }

  protected override decode(_ctx: ChannelHandlerContext, frame: Frame, out: (Request | Ping)[]): void {
    const kind = frame.readByte()
    out.push(kind === 0 ? new Ping() : new Request(frame.toString('utf8')))
  }

  protected override encode(ctx: ChannelHandlerContext, response: Response, out: ByteBuf[]): void {
    const buffer = ctx.alloc.buffer()
    buffer.writeCharSequence(response.text, 'utf8')
    out.push(buffer)
  }
}

export class PingHandler extends SimpleChannelInboundHandler<Ping> {
  pings = 0

  constructor() {
    super(Ping)
  }

  channelRead0(): void {
    this.pings++
  }
}

/** Takes a Request, writes a Response. */
export class RequestHandler extends SimpleChannelInboundHandler<Request, Response> {
  constructor() {
    super(Request)
  }

  channelRead0(ctx: ChannelHandlerContext, request: Request): void {
    ctx.writeAndFlush(new Response(request.text.toUpperCase()))
  }
}

/** A class of one's own: every message that comes must be a Request. */
export class OnlyRequests implements ChannelHandler {
  declare readonly handlerTypes: HandlerTypes<Request, never, Pass, Response>

  channelRead(ctx: ChannelHandlerContext, request: Request): void {
    ctx.writeAndFlush(new Response(request.text))
  }
}
