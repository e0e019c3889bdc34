import { ByteBufBytes } from './byte-buf-bytes.js'
import { Storage } from './storage.js'
import { decodeText, encodeText, maxEncodedBytes } from './text.js'

/**
 * Text. The encodings are Node's; `utf8`, `ascii` and `latin1` treat what cannot be encoded as Netty does: lone surrogates, and in
 * `ascii` and `latin1` all beyond U+00FF, become `?`. A write reserves three bytes a character for utf8, so that it can grow, or fail,
 * although the text would just fit.
 */
export abstract class ByteBufText extends ByteBufBytes {
  /**
   * The text of `length` bytes at `index`; no index moves. `ascii` is decoded as `latin1`, as in Netty. An IndexOutOfBoundsError unless
   * the range is within capacity.
   */
  getCharSequence(index: number, length: number, encoding: BufferEncoding = 'utf8'): string {
    const at = this.atRange(index, length)
    return decodeText(encoding, this.storage.bytes, at, at + length)
  }

  /** Reads the text of `length` bytes; `ascii` is decoded as `latin1`. An IndexOutOfBoundsError when fewer bytes are readable. */
  readCharSequence(length: number, encoding: BufferEncoding = 'utf8'): string {
    this.checkReadable(length)
    const text = this.getCharSequence(this.reader, length, encoding)
    this.reader += length
    return text
  }

  /**
   * Sets bytes from `index` on to `text` and returns their number; no index moves. An IndexOutOfBoundsError when what must be reserved
   * is not within capacity.
   */
  setCharSequence(index: number, text: string, encoding: BufferEncoding = 'utf8'): number {
    this.checkTakesText()
    const at = this.atForSet(index, maxEncodedBytes(text, encoding))
    return encodeText(text, encoding, this.storage.bytes, at)
  }

  /** Writes `text` and returns the number of bytes; the buffer grows when need be. */
  writeCharSequence(text: string, encoding: BufferEncoding = 'utf8'): number {
    this.checkTakesText()
    this.ensureWritable(maxEncodedBytes(text, encoding))
    const length = this.setCharSequence(this.writer, text, encoding)
    this.writer += length
    return length
  }

  /** What the buffer is, with indexes and capacity, for messages. */
  override toString(): string
  /** The text of the readable bytes. Netty: toString(Charset). */
  override toString(encoding: BufferEncoding): string
  /** The text of `length` bytes at `index`. */
  override toString(index: number, length: number, encoding: BufferEncoding): string
  override toString(first?: BufferEncoding | number, length?: number, encoding?: BufferEncoding): string {
    if (first === undefined) return this.describe()
    if (typeof first === 'string') return this.getCharSequence(this.reader, this.writer - this.reader, first)
    return this.getCharSequence(first, length!, encoding!)
  }

  protected describe(): string {
    if (this.refCnt === 0) return 'ByteBuf(released)'
    const max = this.maxCapacity === this.capacity ? '' : `/${this.maxCapacity}`
    return `ByteBuf(ridx: ${this.reader}, widx: ${this.writer}, cap: ${this.capacity}${max})`
  }

  /** Netty's empty buffer takes no text, not even an empty one (vector empty-buffer). */
  private checkTakesText(): void {
    if (this.storage === Storage.EMPTY) throw this.accessError(0, 0)
  }
}
