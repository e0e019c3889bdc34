import type { ByteBuf } from '@knotty/buffer'
import { checkOptions } from '@knotty/common'
import {
  type ChannelHandlerContext,
  type ChannelPromise,
  type Consumes,
  type HandlerTypes,
  type MessageMatcher,
  toPredicate,
} from '@knotty/transport'
import { ByteToMessageDecoder, type ByteToMessageDecoderOptions } from './byte-to-message-decoder.js'
import { type BytesEncoder, encodeToBytes } from './message-to-byte-encoder.js'

/** Options of a {@link ByteToMessageCodec}. */
export interface ByteToMessageCodecOptions<I> extends ByteToMessageDecoderOptions {
  /** The class of the messages to encode, or a type guard; without one every outbound message is encoded. */
  readonly matcher?: MessageMatcher<I>
}

/**
 * A {@link ByteToMessageDecoder} and a MessageToByteEncoder in one handler, for a codec whose two directions share state.
 *
 *     bytes ──► decode(ctx, input, out) ──► messages
 *     bytes ◄── encode(ctx, msg, out)   ◄── messages of type I
 *
 * @typeParam I the messages it encodes
 * @typeParam Out the messages it decodes
 */
export abstract class ByteToMessageCodec<I = unknown, Out = unknown> extends ByteToMessageDecoder<Out> {
  /** For the compiler, see HandlerTypes: nothing is there at run time. */
  declare readonly handlerTypes: HandlerTypes<Consumes<ByteBuf>, Out, Consumes<I>, ByteBuf>
  readonly #acceptsOutbound: (msg: unknown) => boolean

  /** An {@link IllegalArgumentError} for options that are no object, such as a class, which is the `matcher` in Netty. */
  constructor(options: ByteToMessageCodecOptions<I> = {}) {
    checkOptions(options, 'super({ matcher, maxCumulationBytes })')
    super(options)
    this.#acceptsOutbound = toPredicate(options.matcher)
  }

  /** Writes the bytes of `msg` to `out`. Releases nothing. */
  protected abstract encode(ctx: ChannelHandlerContext, msg: I, out: ByteBuf): void

  /** The buffer for `encode`: an empty one of the channel's allocator. Override it to give the size when it is known. */
  protected allocateBuffer(ctx: ChannelHandlerContext, _msg: I): ByteBuf {
    return ctx.alloc.buffer()
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    if (this.#acceptsOutbound(msg)) encodeToBytes(this as unknown as BytesEncoder, ctx, msg, promise)
    else ctx.write(msg, promise)
  }
}
