import { ByteBuf } from '@knotty/buffer'

declare const frame: unique symbol

/**
 * The bytes of one whole frame: what frame decoders fire. At run time a ByteBuf like any other; to the compiler a ByteBuf that was cut out
 * of the stream, so that in a TypedPipeline a codec that takes a Frame does not stand on the raw stream.
 */
export interface Frame extends ByteBuf {
  /** For the compiler: nothing is there at run time. */
  readonly [frame]: true
}

/** The matcher of frames, for codecs that take them: `constructor() { super(Frame) }`. At run time every ByteBuf is one. */
export const Frame = (msg: unknown): msg is Frame => ByteBuf.isByteBuf(msg)
