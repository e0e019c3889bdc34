import {
  AsyncChannel,
  type ByteBuf,
  ByteToMessageDecoder,
  type ChannelHandlerContext,
  type CompletePipeline,
  type EmptyPipeline,
  LengthFieldPrepender,
  MessageToByteEncoder,
  SimpleChannelInboundHandler,
  type TypedHandler,
} from 'knotty'
import { framer, OnlyRequests, Ping, PingHandler, Request, RequestHandler, Response, RpcCodec } from './typed-handlers.js'

/*
 * Pipelines that must not compile. Behind each directive stands what the compiler must say, `...` between two parts of it:
 * typed-pipeline.test.ts compiles a copy of this file without the directives and compares.
 */

class NumberEncoder extends MessageToByteEncoder<number> {
  protected override encode(_ctx: ChannelHandlerContext, value: number, out: ByteBuf): void {
    out.writeInt(value)
  }
}

/** Answers with a number where responses are written. */
class NumberWriter extends SimpleChannelInboundHandler<Request, number> {
  channelRead0(ctx: ChannelHandlerContext): void {
    ctx.write(1)
  }
}

class Undeclared extends ByteToMessageDecoder {
  protected override decode(_ctx: ChannelHandlerContext, _input: ByteBuf, out: unknown[]): void {
    out.push(new Request(''))
  }
}

export class WrongElement extends ByteToMessageDecoder<Request> {
  protected override decode(_ctx: ChannelHandlerContext, _input: ByteBuf, out: Request[]): void {
    // @ts-expect-error Property 'text' is missing in type 'Ping' but required in type 'Request'.
    out.push(new Ping())
  }
}

export class WrongList extends ByteToMessageDecoder<Request> {
  // @ts-expect-error Property 'decode' in type 'WrongList' is not assignable ... Type 'Request' is not assignable to type 'Ping'.
  protected override decode(_ctx: ChannelHandlerContext, _input: ByteBuf, out: Ping[]): void {
    out.push(new Ping())
  }
}

export class WrongArgument extends SimpleChannelInboundHandler<Request> {
  // @ts-expect-error Property 'channelRead0' in type 'WrongArgument' is not assignable ... Type 'Request' is not assignable to type 'Ping'.
  channelRead0(_ctx: ChannelHandlerContext, _msg: Ping): void {}
}

// @ts-expect-error Property 'handlerTypes' is missing in type 'WithoutTypes' but required in type 'TypedHandler<Request, never,
export class WithoutTypes implements TypedHandler<Request, never> {
  channelRead(_ctx: ChannelHandlerContext, _msg: Request): void {}
}

export const wrong: readonly ((p: EmptyPipeline) => CompletePipeline)[] = [
  // the framer is forgotten
  (p) =>
    p
      // @ts-expect-error Argument of type 'RpcCodec' is not assignable ... InboundMismatch<NoInfer<RpcCodec>, Frame, ByteBuf>
      .addLast(new RpcCodec())
      .addLast(new PingHandler())
      .addLast(new RequestHandler()),
  (p) =>
    p
      // @ts-expect-error Argument of type 'RpcCodec' is not assignable ... InboundMismatch<NoInfer<RpcCodec>, Frame, ByteBuf>
      .addLast('codec', new RpcCodec())
      .addLast(new PingHandler())
      .addLast(new RequestHandler()),
  // two handlers changed places
  (p) =>
    p
      .addLast(framer())
      .addLast(new RpcCodec())
      // @ts-expect-error InboundMismatch<NoInfer<LengthFieldBasedFrameDecoder>, ByteBuf, Ping | Request>
      .addLast(framer())
      .addLast({ channelActive: (ctx) => ctx.fireChannelActive() }) as unknown as CompletePipeline,
  (p) =>
    p
      .addLast(framer())
      .addLast(new LengthFieldPrepender({ lengthFieldLength: 2 }))
      // @ts-expect-error InboundMismatch<NoInfer<PingHandler>, Ping, Frame>
      .addLast(new PingHandler())
      .addLast(new RpcCodec())
      .addLast(new RequestHandler()) as unknown as CompletePipeline,
  (p) =>
    p
      .addLast(framer())
      // @ts-expect-error InboundMismatch<NoInfer<OnlyRequests>, Request, Frame> & OutboundMismatch<NoInfer<OnlyRequests>, Response, ByteBuf
      .addLast(new OnlyRequests())
      .addLast(new RpcCodec()) as unknown as CompletePipeline,
  // outbound: the encoder stands behind the handler that needs it
  (p) =>
    p
      .addLast(new Undeclared())
      // @ts-expect-error OutboundMismatch<NoInfer<NumberWriter>, number, ByteBuf | Uint8Array
      .addLast(new NumberWriter())
      .addLast(new NumberEncoder()) as unknown as CompletePipeline,
  // a kind of message that nobody takes
  // @ts-expect-error is not assignable to type 'CompletePipeline' ... Type 'Ping' is not assignable to type 'never'.
  (p) => p.addLast(framer()).addLast(new RpcCodec()).addLast(new RequestHandler()),
  (p) =>
    p
      .addLast(framer())
      .addLast(new RpcCodec())
      // @ts-expect-error InboundMismatch<NoInfer<OnlyRequests>, Request, Ping | Request>
      .addLast(new OnlyRequests()),
  // messages that pass the last handler
  // @ts-expect-error Type 'Frame' is not assignable to type 'never'.
  (p) => p.addLast(framer()),
  // @ts-expect-error Type 'ByteBuf' is not assignable to type 'never'.
  (p) => p.addLast({ channelRead: (ctx, msg) => ctx.fireChannelRead(msg) }),
  // a handler that writes what nobody encodes
  (p) =>
    p
      .addLast(framer())
      .addLast(new RpcCodec())
      .addLast(new PingHandler())
      // @ts-expect-error OutboundMismatch<NoInfer<NumberWriter>, number, ByteBuf | Response | Uint8Array
      .addLast(new NumberWriter()),
  // a decoder that does not say what it makes
  (p) =>
    p
      .addLast(new NumberEncoder())
      .addLast(new Undeclared())
      // @ts-expect-error InboundMismatch<NoInfer<NumberWriter>, Request, unknown>
      .addLast(new NumberWriter()) as unknown as CompletePipeline,
  // the message of a handler that takes what was taken before
  (p) =>
    p
      .addLast(framer())
      .addLast(new RpcCodec())
      .addLast(new PingHandler())
      .addLast(new RequestHandler())
      // @ts-expect-error InboundMismatch<NoInfer<PingHandler>, Ping, never>
      .addLast(new PingHandler()),
  // an AsyncChannel that is given more than it says, one that writes what nobody encodes
  (p) =>
    p
      .addLast(framer())
      .addLast(new RpcCodec())
      // @ts-expect-error InboundMismatch<NoInfer<AsyncChannel<Request, Response>>, Request, Ping | Request>
      .addLast(new AsyncChannel<Request, Response>()),
  (p) =>
    p
      // @ts-expect-error OutboundMismatch<NoInfer<AsyncChannel<ByteBuf, string>>, string, ByteBuf | Uint8Array
      .addLast(AsyncChannel.serve<ByteBuf, string>(async () => {})),
]

/** For a handler that is added where nobody encodes a Response. */
export const unencoded: (p: EmptyPipeline) => unknown = (p) =>
  // @ts-expect-error OutboundMismatch<NoInfer<Taker>, Response, ByteBuf | Uint8Array
  p.addLast(new (class Taker extends SimpleChannelInboundHandler<ByteBuf, Response> { channelRead0(): void {} })())
