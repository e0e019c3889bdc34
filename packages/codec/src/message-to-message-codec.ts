import { checkOptions } from '@knotty/common'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  type ChannelPromise,
  type Consumes,
  type HandlerTypes,
  type MessageMatcher,
  toPredicate,
} from '@knotty/transport'
import { decodeMessage, type MessageDecoder } from './message-to-message-decoder.js'
import { encodeMessage, type MessageEncoder } from './message-to-message-encoder.js'
import { StarvedRead } from './starved-read.js'

/** Options of a {@link MessageToMessageCodec}. */
export interface MessageToMessageCodecOptions<I, O> {
  /** The inbound messages to decode: a class or a type guard; without one all. */
  readonly inbound?: MessageMatcher<I>
  /** The outbound messages to encode: a class or a type guard; without one all. */
  readonly outbound?: MessageMatcher<O>
}

/**
 * A MessageToMessageDecoder and a MessageToMessageEncoder in one handler; their rules of ownership and errors hold. Netty's
 * MessageToMessageCodec<INBOUND_IN, OUTBOUND_IN>.
 *
 *     messages of type I ──► decode(ctx, msg, out) ──► other messages
 *         other messages ◄── encode(ctx, msg, out) ◄── messages of type O
 *
 * @typeParam I the messages it decodes
 * @typeParam O the messages it encodes
 * @typeParam Decoded what it makes of the first
 * @typeParam Encoded what it makes of the second
 */
export abstract class MessageToMessageCodec<I = unknown, O = unknown, Decoded = unknown, Encoded = unknown> implements ChannelHandler {
  /** For the compiler, see HandlerTypes: nothing is there at run time. */
  declare readonly handlerTypes: HandlerTypes<Consumes<I>, Decoded, Consumes<O>, Encoded>
  readonly #acceptsInbound: (msg: unknown) => boolean
  readonly #acceptsOutbound: (msg: unknown) => boolean
  readonly #starved = new StarvedRead()

  /** An {@link IllegalArgumentError} for options that are no object, such as the two classes of Netty. */
  constructor(options: MessageToMessageCodecOptions<I, O> = {}) {
    checkOptions(options, 'super({ inbound, outbound })')
    this.#acceptsInbound = toPredicate(options.inbound)
    this.#acceptsOutbound = toPredicate(options.outbound)
  }

  /** Adds to `out` what `msg` stands for; see MessageToMessageDecoder. */
  protected abstract decode(ctx: ChannelHandlerContext, msg: I, out: Decoded[]): void

  /** Adds to `out` what is to be written for `msg`; see MessageToMessageEncoder. */
  protected abstract encode(ctx: ChannelHandlerContext, msg: O, out: Encoded[]): void

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    if (this.#acceptsInbound(msg)) decodeMessage(this as unknown as MessageDecoder, ctx, msg, this.#starved)
    else this.#starved.passOn(ctx, msg)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    this.#starved.readComplete(ctx)
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    if (this.#acceptsOutbound(msg)) encodeMessage(this as unknown as MessageEncoder, ctx, msg, promise)
    else ctx.write(msg, promise)
  }
}
