import { Buffer } from 'node:buffer'
import type { ByteBuf } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'

/** Options of the codecs between text and bytes. */
export interface TextOptions {
  /** One of Node's encodings ('utf8'). */
  readonly encoding?: BufferEncoding
}

/** The encoding of the options, given in any case, in lower case. An {@link IllegalArgumentError} for one that Node does not know. */
export function encodingOf(options: TextOptions): BufferEncoding {
  const { encoding = 'utf8' } = options
  if (typeof encoding !== 'string' || !Buffer.isEncoding(encoding)) {
    throw new IllegalArgumentError(`encoding: ${String(encoding)} (expected: one of Node's, such as 'utf8' or 'latin1')`)
  }
  return encoding.toLowerCase() as BufferEncoding
}

/** A buffer of the channel's allocator with the encoded text. It has room for the longest encoding from the start, so it never grows. */
export function encodeText(ctx: ChannelHandlerContext, text: string, encoding: BufferEncoding): ByteBuf {
  const buffer = ctx.alloc.buffer(text.length * 3)
  buffer.writeCharSequence(text, encoding)
  return buffer
}
