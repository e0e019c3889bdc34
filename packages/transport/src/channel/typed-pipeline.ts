import type { ByteBuf } from '@knotty/buffer'
import type { Channel } from './channel.js'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelPipeline } from './channel-pipeline.js'

/**
 * In place of a type of messages that come in, or that are written to a handler: it forwards whatever comes.
 */
export interface Pass {
  readonly pass: 'whatever comes is forwarded'
}

/**
 * In place of a type of messages that come in, or that are written to a handler: it takes the messages that are a T and forwards all
 * others. What a handler with a matcher does.
 */
export interface Consumes<T> {
  readonly consumes: T
}

/**
 * The types of a handler's messages in the inbound direction: what it takes, and what it fires.
 *
 * @typeParam InboundIn a type: every message that comes must be one; {@link Consumes}: those are taken, others forwarded; {@link Pass}
 * @typeParam InboundOut what it fires beside what it forwards; never when it fires nothing
 */
export interface InboundTypes<InboundIn, InboundOut> {
  readonly inboundIn: InboundIn
  readonly inboundOut: InboundOut
}

/**
 * The types of a handler's messages in the outbound direction: what may be written to it, and what it writes to the handler before.
 *
 * @typeParam OutboundIn a type: nothing else may be written; {@link Consumes}: those too may be; {@link Pass}
 * @typeParam OutboundOut what it writes beside what it forwards, also from inside an inbound method; never when it writes nothing
 */
export interface OutboundTypes<OutboundIn, OutboundOut> {
  readonly outboundIn: OutboundIn
  readonly outboundOut: OutboundOut
}

/**
 * The four types of a handler's messages. The base classes (ByteToMessageDecoder, SimpleChannelInboundHandler, …) get them from their type
 * parameters; a class of one's own says them in one line that exists for the compiler only:
 *
 *     class Login implements ChannelHandler {
 *       declare readonly handlerTypes: HandlerTypes<Request, Session, Pass, Response>
 *       channelRead(ctx: ChannelHandlerContext, msg: Request): void { … }
 *     }
 *
 * A handler without that line counts as one that forwards everything in both directions.
 */
export interface HandlerTypes<InboundIn, InboundOut, OutboundIn = Pass, OutboundOut = never>
  extends InboundTypes<InboundIn, InboundOut>, OutboundTypes<OutboundIn, OutboundOut> {}

/** A handler that says the types of its messages; `implements` it to have the compiler ask for the line in {@link HandlerTypes}. */
export interface TypedHandler<InboundIn, InboundOut, OutboundIn = Pass, OutboundOut = never> extends ChannelHandler {
  readonly handlerTypes: HandlerTypes<InboundIn, InboundOut, OutboundIn, OutboundOut>
}

/**
 * What the compiler says of a handler that stands in the wrong place: `Handler` takes messages of type `Expects`, and what the handlers
 * before it fire is `PreviousFires`. Often a frame decoder is missing before it, or two handlers changed places.
 */
export interface InboundMismatch<Handler, Expects, PreviousFires> {
  readonly 'inbound mismatch': [handler: Handler, expects: Expects, previousFires: PreviousFires]
}

/**
 * What the compiler says of a handler that stands in the wrong place: `Handler` writes messages of type `Writes`, and the handlers before
 * it take `PreviousAccepts`. Often an encoder is missing before it, or two handlers changed places.
 */
export interface OutboundMismatch<Handler, Writes, PreviousAccepts> {
  readonly 'outbound mismatch': [handler: Handler, writes: Writes, previousAccepts: PreviousAccepts]
}

type InboundInOf<H> = H extends { readonly handlerTypes: { readonly inboundIn: infer T } } ? T : Pass
type InboundOutOf<H> = H extends { readonly handlerTypes: { readonly inboundOut: infer T } } ? T : never
type OutboundInOf<H> = H extends { readonly handlerTypes: { readonly outboundIn: infer T } } ? T : Pass
type OutboundOutOf<H> = H extends { readonly handlerTypes: { readonly outboundOut: infer T } } ? T : never

type InboundFits<H, Takes, In> = [Takes] extends [Pass]
  ? unknown
  : [Takes] extends [Consumes<infer T>]
    ? [Extract<In, T>] extends [never]
      ? InboundMismatch<H, T, In>
      : unknown
    : [In] extends [Takes]
      ? [In] extends [never]
        ? InboundMismatch<H, Takes, In>
        : unknown
      : InboundMismatch<H, Takes, In>

type OutboundFits<H, Writes, Out> = [Writes] extends [Out] ? unknown : OutboundMismatch<H, Writes, Out>

/** Unknown when the handler fits behind what fires `In` and accepts `Out`, else the mismatch: what the argument of addLast must also be. */
type Fits<H, In, Out> = InboundFits<H, InboundInOf<H>, In> & OutboundFits<H, OutboundOutOf<H>, Out>

/** What flows on behind a handler that takes `Takes` and fires `Fires`. */
type InboundBehind<Takes, Fires, In> = [Takes] extends [Pass]
  ? In | Fires
  : [Takes] extends [Consumes<infer T>]
    ? [Extract<In, T>] extends [never]
      ? InboundBehindMisfit<Fires, In>
      : Exclude<In, T> | Fires
    : [Extract<In, Takes>] extends [never]
      ? InboundBehindMisfit<Fires, In>
      : Fires

/** What the next handler most likely expects behind one in the wrong place, so that one mistake is one error. */
type InboundBehindMisfit<Fires, In> = [Fires] extends [never] ? In : Fires

/** What may be written behind a handler that `Takes` such messages. */
type OutboundBehind<Takes, Out> = [Takes] extends [Pass] ? Out : [Takes] extends [Consumes<infer T>] ? Out | T : Takes

/**
 * A pipeline while it is built, seen by the compiler: what flows inbound behind the last handler so far (`In`) and what may be written
 * there (`Out`). It is a view of types; at run time it is the {@link ChannelPipeline} itself, and nothing is checked or costs anything.
 *
 *     new ServerBootstrap().childPipeline((p) => p                        // In = ByteBuf     Out = ByteBuf | Uint8Array
 *       .addLast(new IdleStateHandler({ readerIdleMs: 30_000 }))          //    ByteBuf             as before: no types, so forwards
 *       .addLast(new LengthFieldBasedFrameDecoder({ … }))                 //    Frame               as before
 *       .addLast(new RpcServerCodec())                                    //    Request | Ping      … | Response
 *       .addLast(new PingHandler())                                       //    Request             … | Response
 *       .addLast(new RpcServerHandler()))                                 //    never: every message has a handler
 *
 * These do not compile: a codec that takes a Frame without a frame decoder before it; handlers in the wrong order, in- or outbound; a
 * message that no handler takes; a handler that writes what nobody before it takes. The error names an {@link InboundMismatch} or an
 * {@link OutboundMismatch}, or the type of message that is "not assignable to type 'never'": nobody takes it.
 *
 * What it cannot see:
 * - user events; what is added, replaced or removed later; `channel.write` and `ctx.write`, which take anything;
 * - a handler without {@link HandlerTypes}, such as an object literal: it counts as one that forwards everything, so one that changes the
 *   type of messages hides that;
 * - whether a handler has a matcher: SimpleChannelInboundHandler and the codecs count as if they took the messages of their type and
 *   forwarded others; without a matcher they take all;
 * - outbound framing: a frame is bytes too;
 * - structure: two message classes with the same members are one type to the compiler. Give each a `kind`.
 */
export interface TypedPipeline<out In, out Out> {
  /** For the compiler: nothing is there at run time. */
  readonly flow: { readonly in: In; readonly out: Out }

  /** Adds a handler as the last one; see {@link ChannelPipeline.addLast}. */
  addLast<H extends ChannelHandler>(
    handler: H & Fits<NoInfer<H>, In, Out>,
  ): TypedPipeline<InboundBehind<InboundInOf<H>, InboundOutOf<H>, In>, OutboundBehind<OutboundInOf<H>, Out>>
  /** Adds a handler as the last one under a name; null makes one up. */
  addLast<H extends ChannelHandler>(
    name: string | null,
    handler: H & Fits<NoInfer<H>, In, Out>,
  ): TypedPipeline<InboundBehind<InboundInOf<H>, InboundOutOf<H>, In>, OutboundBehind<OutboundInOf<H>, Out>>
}

/** The view of a pipeline without a handler: bytes come in, bytes may be written. */
export type EmptyPipeline = TypedPipeline<ByteBuf, ByteBuf | Uint8Array>

/** The view of a pipeline whose handlers take every message: `In` is never. */
export type CompletePipeline = TypedPipeline<never, unknown>

/** Builds the pipeline of one channel; what it returns is for the compiler. An async one goes to handler or childHandler, untyped. */
export type TypedPipelineInitializer = (pipeline: EmptyPipeline, channel: Channel) => CompletePipeline

/** The typed view of a pipeline that has no handler yet. */
export function typedView(pipeline: ChannelPipeline): EmptyPipeline {
  return pipeline as unknown as EmptyPipeline
}
