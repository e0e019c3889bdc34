import { Buffer } from 'node:buffer'
import { Unpooled } from '@knotty/buffer'
import { checkOptions } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { type Base64Options, isUrlSafe } from './base64-dialect.js'
import { CorruptedFrameError } from './errors.js'
import { Frame } from './frame.js'
import { MessageToMessageDecoder } from './message-to-message-decoder.js'

const STANDARD = /[^A-Za-z0-9+/]/
const URL_SAFE = /[^A-Za-z0-9\-_]/
const WHITE_SPACE = /[ \t\r\n]+/g

/**
 * Makes the bytes of each ByteBuf of Base64 text, as a ByteBuf that whoever gets it releases; other messages pass on. A buffer is a whole
 * text, so a framer comes before it. The text is released. Sharable.
 *
 *     pipeline.addLast(new LineBasedFrameDecoder({ maxLength: 8192 }), new Base64Decoder())
 *
 *     BEFORE DECODE (4 bytes)        AFTER DECODE (2 bytes)
 *     +--------+                     +-------+
 *     | "+/8=" |-------------------->| FB FF |
 *     +--------+                     +-------+
 *
 * Spaces, tabs and line breaks are skipped, because Netty's encoder breaks lines. The padding may be missing. Anything else that no
 * encoder makes is a {@link CorruptedFrameError}: a character of another alphabet, padding of the wrong length or in the middle, one
 * character too many, bits behind the last byte (two texts for the same bytes).
 */
export class Base64Decoder extends MessageToMessageDecoder<Frame, Frame> {
  readonly isSharable = true
  readonly #urlSafe: boolean

  /** An {@link IllegalArgumentError} for an unknown dialect. */
  constructor(options: Base64Options = {}) {
    super(Frame)
    checkOptions(options, 'new Base64Decoder({ dialect })')
    this.#urlSafe = isUrlSafe(options)
  }

  protected override decode(_ctx: ChannelHandlerContext, msg: Frame, out: Frame[]): void {
    const text = msg.toString('latin1').replace(WHITE_SPACE, '')
    const digits = withoutPadding(text)
    const strange = digits.search(this.#urlSafe ? URL_SAFE : STANDARD)
    if (strange >= 0) {
      const code = digits.charCodeAt(strange).toString(16).padStart(2, '0')
      throw new CorruptedFrameError(`byte 0x${code} at position ${strange} (white space not counted) is no ${this.#name} Base64`)
    }
    const over = digits.length % 4
    if (over === 1) throw new CorruptedFrameError(`${digits.length} Base64 characters: the last one is too many`)
    const padding = text.length - digits.length
    const expected = (4 - over) % 4
    if (padding > 0 && padding !== expected) {
      throw new CorruptedFrameError(`${digits.length} Base64 characters are padded with ${padding} '=' (expected: ${expected})`)
    }
    const bytes = Buffer.from(digits, 'base64')
    if (over > 0 && !isCanonical(bytes, digits, over)) {
      throw new CorruptedFrameError(`the last Base64 character '${digits.at(-1)}' has bits behind the last byte`)
    }
    out.push(Unpooled.wrappedBuffer(bytes) as Frame)
  }

  get #name(): string {
    return this.#urlSafe ? 'URL-safe' : 'standard'
  }
}

/** The text up to its `=` characters at the end; others in the middle are found later. */
function withoutPadding(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0x3d) end--
  return text.slice(0, end)
}

/** Whether the last group of two or three characters is what an encoder makes of the last bytes. */
function isCanonical(bytes: Buffer, digits: string, over: number): boolean {
  const last = bytes.subarray(bytes.length - (over - 1)).toString('base64url')
  return last === digits.slice(-over).replaceAll('+', '-').replaceAll('/', '_')
}
