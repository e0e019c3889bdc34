import { Buffer } from 'node:buffer'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import { checkOptions } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { type Base64Options, isUrlSafe } from './base64-dialect.js'
import { MessageToMessageEncoder } from './message-to-message-encoder.js'

/**
 * Makes Base64 text of each outbound ByteBuf or Uint8Array, as a ByteBuf; other messages pass on. The message is released. Both dialects
 * are padded with `=` to a multiple of four, and there are no line breaks (Netty's has them unless told otherwise). Sharable.
 *
 *     BEFORE ENCODE (2 bytes)        AFTER ENCODE (4 bytes)
 *     +---------+                    +--------+
 *     | FB FF   |------------------->| "+/8=" |     urlSafe: "-_8="
 *     +---------+                    +--------+
 */
export class Base64Encoder extends MessageToMessageEncoder<ByteBuf | Uint8Array, ByteBuf> {
  readonly isSharable = true
  readonly #urlSafe: boolean

  /** An {@link IllegalArgumentError} for an unknown dialect. */
  constructor(options: Base64Options = {}) {
    super((msg): msg is ByteBuf | Uint8Array => ByteBuf.isByteBuf(msg) || msg instanceof Uint8Array)
    checkOptions(options, 'new Base64Encoder({ dialect })')
    this.#urlSafe = isUrlSafe(options)
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: ByteBuf | Uint8Array, out: ByteBuf[]): void {
    const bytes = ByteBuf.isByteBuf(msg) ? msg.unsafeBuffer() : Buffer.from(msg.buffer, msg.byteOffset, msg.byteLength)
    const length = Math.ceil(bytes.length / 3) * 4
    const text = this.#urlSafe ? bytes.toString('base64url').padEnd(length, '=') : bytes.toString('base64')
    out.push(Unpooled.wrappedBuffer(Buffer.from(text, 'latin1')))
  }
}
