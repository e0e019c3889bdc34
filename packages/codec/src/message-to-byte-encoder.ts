import { type ByteBuf, release, Unpooled } from '@knotty/buffer'
import { toError } from '@knotty/common'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  type ChannelPromise,
  type Consumes,
  type MessageMatcher,
  type OutboundTypes,
  toPredicate,
} from '@knotty/transport'
import { ASYNC_CODEC, EncoderError, isStrayMessage, isStrayPromise } from './errors.js'

/** The part of an encoder that {@link encodeToBytes} calls. */
export interface BytesEncoder {
  allocateBuffer(ctx: ChannelHandlerContext, msg: unknown): ByteBuf
  encode(ctx: ChannelHandlerContext, msg: unknown, out: ByteBuf): void
}

/**
 * Turns outbound messages of one type into bytes; other messages pass on.
 *
 *     class IntegerEncoder extends MessageToByteEncoder {
 *       constructor() { super((msg) => typeof msg === 'number') }
 *       encode(ctx, number, out) { out.writeInt(number) }
 *     }
 *
 * The message is released when `encode` is through. The buffer is written with the message's promise; one without a byte is written as
 * the empty buffer, so that the promise keeps its place in the order. What `encode` throws fails the promise as an {@link EncoderError}
 * with the original as `cause`, and nothing is written. An `encode` that is async (`ERR_KNOTTY_ASYNC_CODEC`), or returns bytes or text in
 * place of writing them to `out`, is an error; what calls on `ctx` and `out` return may be returned, as may a boolean.
 *
 * @typeParam I the messages it encodes
 */
export abstract class MessageToByteEncoder<I = unknown> implements ChannelHandler {
  /** For the compiler, see HandlerTypes: nothing is there at run time. */
  declare readonly handlerTypes: OutboundTypes<Consumes<I>, ByteBuf>
  readonly #acceptsOutbound: (msg: unknown) => boolean

  /** @param matcher the class of the messages, or a type guard; without one every message is encoded */
  constructor(matcher?: MessageMatcher<I>) {
    this.#acceptsOutbound = toPredicate(matcher)
  }

  /** Writes the bytes of `msg` to `out`. Releases nothing. */
  protected abstract encode(ctx: ChannelHandlerContext, msg: I, out: ByteBuf): void

  /**
   * The buffer for `encode`: an empty one of the channel's allocator, pooled and not zeroed unless the channel was given another one.
   * Override it to give the size when it is known.
   */
  protected allocateBuffer(ctx: ChannelHandlerContext, _msg: I): ByteBuf {
    return ctx.alloc.buffer()
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    if (this.#acceptsOutbound(msg)) encodeToBytes(this as unknown as BytesEncoder, ctx, msg, promise)
    else ctx.write(msg, promise)
  }
}

/** Encodes `msg`, which is released, and writes the result. An {@link EncoderError} when that fails; then nothing is written. */
export function encodeToBytes(encoder: BytesEncoder, ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
  let buffer: ByteBuf | undefined
  try {
    try {
      buffer = encoder.allocateBuffer(ctx, msg)
      const result: unknown = encoder.encode(ctx, msg, buffer)
      if (isStrayPromise(result)) throw asyncEncoder(encoder)
      if (result !== buffer && !buffer.isReadable && isStrayMessage(ctx, result)) throw strayResult(encoder, result)
    } finally {
      release(msg)
    }
  } catch (thrown) {
    buffer?.release()
    throw asEncoderError(encoder, thrown)
  }
  if (buffer.isReadable) {
    ctx.write(buffer, promise)
  } else {
    buffer.release()
    ctx.write(Unpooled.EMPTY_BUFFER, promise)
  }
}

/** What an encoder threw, as an {@link EncoderError}. */
export function asEncoderError(encoder: object, thrown: unknown): EncoderError {
  if (thrown instanceof EncoderError) return thrown
  const cause = toError(thrown)
  return new EncoderError(`${encoder.constructor.name} failed: ${cause.message}`, { cause })
}

/** `return bytes` in place of writing them into `out`: an empty buffer would go out without a word. */
function strayResult(encoder: object, result: unknown): EncoderError {
  const name = encoder.constructor.name
  return new EncoderError(`${name}.encode() wrote nothing and returned a value of type ${typeof result}: bytes go to out, out.writeBytes(…)`)
}

/** The error for an async encoder. */
export function asyncEncoder(encoder: object): EncoderError {
  const message =
    `${encoder.constructor.name}.encode() returned a Promise, but it must be done when it returns: ` +
    'do the asynchronous work before the message is written'
  return new EncoderError(message, undefined, ASYNC_CODEC)
}
