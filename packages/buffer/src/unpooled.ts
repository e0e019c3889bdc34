import { Buffer } from 'node:buffer'
import { IllegalArgumentError } from '@knotty/common'
import { ByteBuf } from './byte-buf.js'
import { ByteBufAllocator } from './byte-buf-allocator.js'
import type { CompositeByteBuf } from './composite-byte-buf.js'
import { UNLIMITED_CAPACITY } from './new-capacity.js'

/** Makes buffers whose memory belongs to the garbage collector. */
export const Unpooled: {
  /** The buffer without bytes; it cannot grow, and releasing it does nothing. */
  readonly EMPTY_BUFFER: ByteBuf
  /** A new empty buffer of zero bytes. See {@link ByteBufAllocator.buffer}. */
  buffer(initialCapacity?: number, maxCapacity?: number): ByteBuf
  /** A new {@link CompositeByteBuf} without components. See {@link ByteBufAllocator.compositeBuffer}. */
  compositeBuffer(maxNumComponents?: number): CompositeByteBuf
  /**
   * A buffer over the same memory, without a copy: of an array all bytes are readable and it cannot grow; of a ByteBuf it is a slice
   * of the readable bytes, and the caller's reference goes over to it. Of several sources with bytes it is a {@link CompositeByteBuf},
   * all of it readable; empty ones are left out and released. When one of them is no source all the others are released.
   */
  wrappedBuffer(...sources: readonly (Uint8Array | ByteBuf)[]): ByteBuf
  /** The same; more sources than `maxNumComponents` (16) are copied into one piece of memory. */
  wrappedBuffer(maxNumComponents: number, ...sources: readonly (Uint8Array | ByteBuf)[]): ByteBuf
  /** A new buffer with a copy of the bytes, the readable bytes, or the encoded text (utf8). The source stays the caller's. */
  copiedBuffer(source: Uint8Array | ByteBuf | string, encoding?: BufferEncoding): ByteBuf
} = {
  EMPTY_BUFFER: ByteBuf.EMPTY,

  buffer(initialCapacity?: number, maxCapacity?: number): ByteBuf {
    return ByteBufAllocator.DEFAULT.buffer(initialCapacity, maxCapacity)
  },

  compositeBuffer(maxNumComponents?: number): CompositeByteBuf {
    return ByteBufAllocator.DEFAULT.compositeBuffer(maxNumComponents)
  },

  wrappedBuffer(...args: readonly (number | Uint8Array | ByteBuf)[]): ByteBuf {
    const [first] = args
    const maxNumComponents = typeof first === 'number' ? first : undefined
    const sources = (maxNumComponents === undefined ? args : args.slice(1)) as readonly (Uint8Array | ByteBuf)[]
    if (sources.length === 1) return wrapOne(sources[0]!)
    return wrapSeveral(sources, maxNumComponents)
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

function wrapOne(source: Uint8Array | ByteBuf): ByteBuf {
  checkBytes(source)
  if (source instanceof Uint8Array) {
    if (source.length === 0) return ByteBuf.EMPTY
    return ByteBuf.wrap(Buffer.from(source.buffer, source.byteOffset, source.byteLength))
  }
  if (source.isReadable) return source.slice()
  source.release()
  return ByteBuf.EMPTY
}

function wrapSeveral(sources: readonly (Uint8Array | ByteBuf)[], maxNumComponents: number | undefined): ByteBuf {
  const buffers: ByteBuf[] = []
  let wrapped = 0
  try {
    const composite = ByteBufAllocator.DEFAULT.compositeBuffer(maxNumComponents)
    for (; wrapped < sources.length; wrapped++) {
      const buffer = wrapOne(sources[wrapped]!)
      if (buffer.isReadable) buffers.push(buffer)
    }
    return buffers.length > 1 ? composite.addComponents(true, ...buffers) : (buffers[0] ?? ByteBuf.EMPTY)
  } catch (error) {
    // what was added or tried to be is released already once the loop is done
    if (wrapped < sources.length) for (const source of [...buffers, ...sources.slice(wrapped)]) releaseQuietly(source)
    throw error
  }
}

function releaseQuietly(source: unknown): void {
  if (ByteBuf.isByteBuf(source) && source.refCnt > 0) source.release()
}

function checkBytes(source: unknown): void {
  if (source instanceof Uint8Array || ByteBuf.isByteBuf(source)) return
  throw new IllegalArgumentError(`source: ${typeof source} (expected: a Uint8Array or ByteBuf; text goes to copiedBuffer(text, encoding))`)
}
