import { Buffer } from 'node:buffer'
import { IllegalArgumentError } from '@knotty/common'
import { ByteBuf } from './byte-buf.js'
import { ByteBufAllocator } from './byte-buf-allocator.js'
import { UNLIMITED_CAPACITY } from './new-capacity.js'

/** Makes buffers whose memory belongs to the garbage collector. */
export const Unpooled: {
  /** The buffer without bytes; it cannot grow, and releasing it does nothing. */
  readonly EMPTY_BUFFER: ByteBuf
  /** A new empty buffer of zero bytes. See {@link ByteBufAllocator.buffer}. */
  buffer(initialCapacity?: number, maxCapacity?: number): ByteBuf
  /**
   * A buffer over the same memory, without a copy: of an array all bytes are readable and it cannot grow; of a ByteBuf it is a slice
   * of the readable bytes, and the caller's reference goes over to it.
   */
  wrappedBuffer(source: Uint8Array | ByteBuf): ByteBuf
  /** A new buffer with a copy of the bytes, the readable bytes, or the encoded text (utf8). The source stays the caller's. */
  copiedBuffer(source: Uint8Array | ByteBuf | string, encoding?: BufferEncoding): ByteBuf
} = {
  EMPTY_BUFFER: ByteBuf.EMPTY,

  buffer(initialCapacity?: number, maxCapacity?: number): ByteBuf {
    return ByteBufAllocator.DEFAULT.buffer(initialCapacity, maxCapacity)
  },

  wrappedBuffer(source: Uint8Array | ByteBuf, ...more: never[]): ByteBuf {
    if (more.length > 0) throw new IllegalArgumentError('wrappedBuffer takes one array or buffer: buffers of several parts are not in this release')
    checkBytes(source)
    if (source instanceof Uint8Array) {
      if (source.length === 0) return ByteBuf.EMPTY
      return ByteBuf.wrap(Buffer.from(source.buffer, source.byteOffset, source.byteLength))
    }
    if (source.isReadable) return source.slice()
    source.release()
    return ByteBuf.EMPTY
  },

  copiedBuffer(source: Uint8Array | ByteBuf | string, encoding: BufferEncoding = 'utf8'): ByteBuf {
    if (typeof source === 'string') {
      const buffer = ByteBufAllocator.DEFAULT.buffer(source.length * 3, UNLIMITED_CAPACITY)
      buffer.writeCharSequence(source, encoding)
      return buffer
    }
    checkBytes(source)
    const length = source instanceof Uint8Array ? source.length : source.readableBytes
    const buffer = ByteBufAllocator.DEFAULT.buffer(length, UNLIMITED_CAPACITY)
    if (source instanceof Uint8Array) return buffer.writeBytes(source)
    return buffer.writeBytes(source, source.readerIndex, length)
  },
}

function checkBytes(source: unknown): void {
  if (source instanceof Uint8Array || ByteBuf.isByteBuf(source)) return
  throw new IllegalArgumentError(`source: ${typeof source} (expected: a Uint8Array or ByteBuf; text goes to copiedBuffer(text, encoding))`)
}
