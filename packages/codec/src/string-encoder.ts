import type { ByteBuf } from '@knotty/buffer'
import { checkOptions } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { MessageToMessageEncoder } from './message-to-message-encoder.js'
import { encodeText, encodingOf, type TextOptions } from './text-encoding.js'

/**
 * Makes a ByteBuf of each outbound string; other messages pass on. What cannot be encoded becomes `?`, see ByteBuf. An empty string is
 * written as an empty buffer, so that its promise keeps its place. Sharable.
 */
export class StringEncoder extends MessageToMessageEncoder<string, ByteBuf> {
  readonly isSharable = true
  readonly #encoding: BufferEncoding

  /** An {@link IllegalArgumentError} for an encoding that Node does not know. */
  constructor(options: TextOptions = {}) {
    super((msg): msg is string => typeof msg === 'string')
    checkOptions(options, 'new StringEncoder({ encoding })')
    this.#encoding = encodingOf(options)
  }

  protected override encode(ctx: ChannelHandlerContext, msg: string, out: ByteBuf[]): void {
    out.push(encodeText(ctx, msg, this.#encoding))
  }
}
