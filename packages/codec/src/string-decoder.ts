import { StringDecoder as NodeStringDecoder } from 'node:string_decoder'
import { ByteBuf } from '@knotty/buffer'
import { checkOptions } from '@knotty/common'
import { type ChannelHandlerContext, ChannelInputShutdownEvent } from '@knotty/transport'
import { MessageToMessageDecoder } from './message-to-message-decoder.js'
import { encodingOf, type TextOptions } from './text-encoding.js'

/** Options of a {@link StringDecoder}. */
export interface StringDecoderOptions extends TextOptions {
  /**
   * Carry the bytes of a character that is not complete over to the next buffer (true). With false each buffer is a text of its own,
   * whatever it ends with, as in Netty; then the decoder is sharable.
   */
  readonly stream?: boolean
}

/**
 * Makes a string of each ByteBuf; other messages pass on. The ByteBuf is released.
 *
 *     pipeline.addLast(new LineBasedFrameDecoder({ maxLength: 8192 }), new StringDecoder(), new StringEncoder(), new Chat())
 *
 *     BEFORE DECODE (2 chunks)                  AFTER DECODE (2 strings)
 *     +-------------+-------------+             +-------+-------+
 *     | 61 C3 A9 E2 | 82 AC 7A    |------------>| "aé"  | "€z"  |
 *     +-------------+-------------+             +-------+-------+
 *
 * No framer is needed for the characters to be right: the bytes of one that is cut by a chunk are kept, at most three, and come first in
 * the next string. A chunk that has nothing but such bytes gives no string; an empty buffer gives the empty one, such as an empty line.
 * Behind a framer each frame is one string. When the input ends, or the decoder is removed, inside a character of UTF-8, U+FFFD is the last
 * string. Bytes that are no UTF-8 become U+FFFD too; nothing is thrown. In `utf16le` a surrogate without the other one comes as it is, and
 * half a unit at the end is dropped, as by Buffer.
 *
 * With these bytes it keeps the state of one channel: make a new one for each, it is not sharable. With `stream: false` it is, and a
 * malformed frame cannot touch the next one. As in ByteBuf, `ascii` is decoded as `latin1`.
 */
export class StringDecoder extends MessageToMessageDecoder<ByteBuf, string> {
  readonly isSharable: boolean
  readonly #encoding: BufferEncoding
  readonly #decoder: NodeStringDecoder | undefined
  /** The first half of a pair, which Node gives without the second when a chunk ends inside the second's two bytes. */
  #half = ''

  /** An {@link IllegalArgumentError} for an encoding that Node does not know. */
  constructor(options: StringDecoderOptions = {}) {
    super((msg): msg is ByteBuf => ByteBuf.isByteBuf(msg))
    checkOptions(options, 'new StringDecoder({ encoding, stream })')
    const encoding = encodingOf(options)
    this.#encoding = encoding
    const stream = options.stream ?? true
    this.#decoder = stream ? new NodeStringDecoder(encoding === 'ascii' ? 'latin1' : encoding) : undefined
    this.isSharable = !stream
  }

  protected override decode(_ctx: ChannelHandlerContext, msg: ByteBuf, out: string[]): void {
    if (this.#decoder === undefined) return void out.push(msg.toString(this.#encoding))
    const text = this.#whole(this.#decoder.write(msg.unsafeBuffer()))
    if (text !== '' || !msg.isReadable) out.push(text)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.#end(ctx)
    ctx.fireChannelInactive()
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof ChannelInputShutdownEvent) this.#end(ctx)
    ctx.fireUserEventTriggered(event)
  }

  handlerRemoved(ctx: ChannelHandlerContext): void {
    this.#end(ctx)
  }

  /** The text up to half a pair, which is kept, with the one that was kept before it. */
  #whole(decoded: string): string {
    const text = this.#half + decoded
    const last = text.charCodeAt(text.length - 1)
    const isHalf = last >= 0xd800 && last <= 0xdbff
    this.#half = isHalf ? text.slice(-1) : ''
    return isHalf ? text.slice(0, -1) : text
  }

  /** The rest of a character that will not come any more. */
  #end(ctx: ChannelHandlerContext): void {
    const text = this.#half + (this.#decoder?.end() ?? '')
    this.#half = ''
    if (text === '') return
    ctx.fireChannelRead(text)
    ctx.fireChannelReadComplete()
  }
}
