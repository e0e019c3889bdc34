import { release } from '@knotty/buffer'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  type Consumes,
  type InboundTypes,
  type MessageMatcher,
  toPredicate,
} from '@knotty/transport'
import { asDecoderError, asyncDecoder, strayMessage } from './decoder-errors.js'
import { isStrayMessage, isStrayPromise } from './errors.js'
import { giveBackOutList, takeOutList } from './out-list.js'
import { StarvedRead } from './starved-read.js'

/** The part of a decoder that {@link decodeMessage} calls. */
export interface MessageDecoder {
  decode(ctx: ChannelHandlerContext, msg: unknown, out: unknown[]): void
}

/**
 * Turns inbound messages of one type into others: none, one or several each. Other messages pass on.
 *
 *     class JsonDecoder extends MessageToMessageDecoder {
 *       constructor() { super(ByteBuf) }
 *       decode(ctx, frame, out) { out.push(JSON.parse(frame.toString('utf8'))) }
 *     }
 *
 * The message is released when `decode` is through, so what goes on of it is retained: `out.push(frame.retain())`. What `decode` throws
 * goes to exceptionCaught as a DecoderError with the original as `cause`; messages added before are fired first. An async
 * `decode` is an error (`ERR_KNOTTY_ASYNC_CODEC`). With AUTO_READ off, a read of which nothing was made asks for the next one.
 *
 * @typeParam I the messages it decodes
 * @typeParam Out the messages it makes of them
 */
export abstract class MessageToMessageDecoder<I = unknown, Out = unknown> implements ChannelHandler {
  /** For the compiler, see HandlerTypes: nothing is there at run time. */
  declare readonly handlerTypes: InboundTypes<Consumes<I>, Out>
  readonly #acceptsInbound: (msg: unknown) => boolean
  readonly #starved = new StarvedRead()

  /** @param matcher the class of the messages, or a type guard; without one every message is decoded */
  constructor(matcher?: MessageMatcher<I>) {
    this.#acceptsInbound = toPredicate(matcher)
  }

  /**
   * Adds to `out` what `msg` stands for. Releases nothing. Returning a message in place of adding it is a DecoderError; what calls on `ctx`
   * and `out` return may be returned, as may a boolean.
   */
  protected abstract decode(ctx: ChannelHandlerContext, msg: I, out: Out[]): void

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    if (this.#acceptsInbound(msg)) decodeMessage(this as unknown as MessageDecoder, ctx, msg, this.#starved)
    else this.#starved.passOn(ctx, msg)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    this.#starved.readComplete(ctx)
  }
}

/** Decodes `msg`, which is released, and fires what came of it. A DecoderError when that fails. */
export function decodeMessage(decoder: MessageDecoder, ctx: ChannelHandlerContext, msg: unknown, starved: StarvedRead): void {
  const out = takeOutList()
  try {
    try {
      const result: unknown = decoder.decode(ctx, msg, out.messages)
      if (isStrayPromise(result)) throw asyncDecoder(decoder, 'decode')
      if (out.messages.length === 0 && isStrayMessage(ctx, result)) throw strayMessage(decoder, result)
    } catch (thrown) {
      throw asDecoderError(decoder, thrown)
    } finally {
      release(msg)
      starved.note(ctx, out.messages.length)
      while (out.messages.length > 0) ctx.fireChannelRead(out.take())
    }
  } finally {
    giveBackOutList(out)
  }
}
