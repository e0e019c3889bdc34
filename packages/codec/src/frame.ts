import { ByteBuf } from '@knotty/buffer'
import type { MessageMatcher } from '@knotty/transport'

declare const frame: unique symbol

/**
 * The bytes of one whole frame: what frame decoders fire. At run time a ByteBuf like any other; to the compiler a ByteBuf that was cut out
 * of the stream, so that in a TypedPipeline a codec that takes a Frame does not stand on the raw stream.
 */
export interface Frame extends ByteBuf {
  /** For the compiler: nothing is there at run time. */
  readonly [frame]: true
}

/** The matcher of frames, for codecs that take them; it is the class ByteBuf: `constructor() { super(Frame) }`. */
export const Frame: MessageMatcher<Frame> = ByteBuf as unknown as MessageMatcher<Frame>
