import type { ByteBuf } from '@knotty/buffer'
import { checkOptions, IllegalArgumentError } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { MessageToMessageEncoder } from './message-to-message-encoder.js'
import { encodeText, encodingOf, type TextOptions } from './text-encoding.js'

/** Options of a {@link LineEncoder}. */
export interface LineEncoderOptions extends TextOptions {
  /** What ends each line ('\n'). */
  readonly lineSeparator?: string
}

/**
 * Makes a ByteBuf of each outbound string with the end of a line behind it; other messages pass on. The string itself goes as it is: what
 * comes from users and contains a line end is two lines to the peer. Sharable.
 *
 *     new LineEncoder({ lineSeparator: '\r\n' })
 *
 *     BEFORE ENCODE            AFTER ENCODE (7 bytes)
 *     +---------+              +-------------+
 *     | "HELLO" |------------->| "HELLO\r\n" |
 *     +---------+              +-------------+
 */
export class LineEncoder extends MessageToMessageEncoder<string, ByteBuf> {
  readonly isSharable = true
  readonly #lineSeparator: string
  readonly #encoding: BufferEncoding

  /** An {@link IllegalArgumentError} for an empty separator, or an encoding that Node does not know. */
  constructor(options: LineEncoderOptions = {}) {
    super((msg): msg is string => typeof msg === 'string')
    checkOptions(options, 'new LineEncoder({ lineSeparator, encoding })')
    const { lineSeparator = '\n' } = options
    if (typeof lineSeparator !== 'string' || lineSeparator === '') {
      throw new IllegalArgumentError(`lineSeparator: ${JSON.stringify(lineSeparator)} (expected: text such as '\\n' or '\\r\\n')`)
    }
    this.#lineSeparator = lineSeparator
    this.#encoding = encodingOf(options)
  }

  protected override encode(ctx: ChannelHandlerContext, msg: string, out: ByteBuf[]): void {
    out.push(encodeText(ctx, msg + this.#lineSeparator, this.#encoding))
  }
}
