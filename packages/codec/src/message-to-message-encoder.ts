import { release } from '@knotty/buffer'
import { PromiseCombiner } from '@knotty/common'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  type ChannelPromise,
  type Consumes,
  DefaultChannelPromise,
  type MessageMatcher,
  type OutboundTypes,
  toPredicate,
} from '@knotty/transport'
import { EncoderError, isStrayPromise } from './errors.js'
import { asEncoderError, asyncEncoder } from './message-to-byte-encoder.js'
import { giveBackOutList, type OutList, takeOutList } from './out-list.js'

/** The part of an encoder that {@link encodeMessage} calls. */
export interface MessageEncoder {
  encode(ctx: ChannelHandlerContext, msg: unknown, out: unknown[]): void
}

/**
 * Turns outbound messages of one type into others, at least one each. Other messages pass on.
 *
 *     class JsonEncoder extends MessageToMessageEncoder {
 *       constructor() { super(Request) }
 *       encode(ctx, request, out) { out.push(Unpooled.copiedBuffer(JSON.stringify(request), 'utf8')) }
 *     }
 *
 * The message is released when `encode` is through, so what goes on of it is retained. One result is written with the message's promise;
 * with several the promise is completed when all are, and fails with the first that failed. With a null promise nobody watches them.
 *
 * When `encode` throws, the promise fails with an {@link EncoderError} (the original is the `cause`) and what it had added is released:
 * half a message never leaves, which is where Netty differs. No result at all is an EncoderError, and so is a Promise
 * (`ERR_KNOTTY_ASYNC_CODEC`).
 *
 * @typeParam I the messages it encodes
 * @typeParam Out the messages it makes of them
 */
export abstract class MessageToMessageEncoder<I = unknown, Out = unknown> implements ChannelHandler {
  /** For the compiler, see HandlerTypes: nothing is there at run time. */
  declare readonly handlerTypes: OutboundTypes<Consumes<I>, Out>
  readonly #acceptsOutbound: (msg: unknown) => boolean

  /** @param matcher the class of the messages, or a type guard; without one every message is encoded */
  constructor(matcher?: MessageMatcher<I>) {
    this.#acceptsOutbound = toPredicate(matcher)
  }

  /** Adds to `out` what is to be written for `msg`. Releases nothing. */
  protected abstract encode(ctx: ChannelHandlerContext, msg: I, out: Out[]): void

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    if (this.#acceptsOutbound(msg)) encodeMessage(this as unknown as MessageEncoder, ctx, msg, promise)
    else ctx.write(msg, promise)
  }
}

/** Encodes `msg`, which is released, and writes what came of it. An {@link EncoderError} when that fails; then nothing is written. */
export function encodeMessage(encoder: MessageEncoder, ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
  const out = takeOutList()
  try {
    try {
      const result: unknown = encoder.encode(ctx, msg, out.messages)
      if (isStrayPromise(result)) throw asyncEncoder(encoder)
      if (out.messages.length === 0) throw new EncoderError(`${encoder.constructor.name}.encode() must produce at least one message`)
    } finally {
      release(msg)
    }
    if (out.messages.length === 1) ctx.write(out.take(), promise)
    else if (promise === null) while (out.messages.length > 0) ctx.write(out.take(), null)
    else writeAll(ctx, out, promise)
  } catch (thrown) {
    throw asEncoderError(encoder, thrown)
  } finally {
    giveBackOutList(out)
  }
}

function writeAll(ctx: ChannelHandlerContext, out: OutList, promise: ChannelPromise): void {
  const combiner = new PromiseCombiner()
  while (out.messages.length > 0) combiner.add(ctx.write(out.take()))
  combiner.finish(promise as DefaultChannelPromise)
}
