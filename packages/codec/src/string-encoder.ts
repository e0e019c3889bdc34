import { Unpooled } from '@knotty/buffer'
import type { ChannelHandlerContext } from '@knotty/transport'
import { MessageToMessageEncoder } from './message-to-message-encoder.js'
import { encodingOf, type TextOptions } from './text-encoding.js'

/**
 * Makes a ByteBuf of each outbound string; other messages pass on. What cannot be encoded becomes `?`, see ByteBuf. An empty string is
 * written as an empty buffer, so that its promise keeps its place. Sharable.
 */
export class StringEncoder extends MessageToMessageEncoder<string> {
  readonly isSharable = true
  readonly #encoding: BufferEncoding

  /** An {@link IllegalArgumentError} for an encoding that Node does not know. */
  constructor(options: TextOptions = {}) {
    super((msg): msg is string => typeof msg === 'string')
    this.#encoding = encodingOf(options)
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: string, out: unknown[]): void {
    out.push(Unpooled.copiedBuffer(msg, this.#encoding))
  }
}
