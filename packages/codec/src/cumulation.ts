import type { ByteBuf, ByteBufAllocator } from '@knotty/buffer'
import { SMALL_BUFFER_MAX_BYTES, smallBuffer } from './small-buffer.js'

/** From this capacity on a cumulation that has become mostly empty is exchanged for a small one. */
const TRIM_THRESHOLD_BYTES = 1024
/** How many times the bytes that are there may be allocated, for bytes that were announced or may come. */
const GROWTH_FACTOR = 4
const MIN_CAPACITY = 64

/**
 * The unread rest of a decoder's input, between two chunks, in a buffer of the decoder's own.
 *
 *     buffer   | consumed | unread |         |
 *              0       reader    writer   capacity
 *
 * - Only what decode left over is copied here, so the chunk can be released before channelRead returns and the read slab is free.
 * - When decode said how many bytes are missing, only these are appended from the next chunk; the rest of the chunk is decoded in place.
 * - With an announced size the capacity is that size divided by a power of four, at most four times what has come and at least 64: a peer
 *   that announces 16 MiB and sends 4 bytes gets a piece of 64 bytes. Up to 512 bytes a piece is cut from a block of 4 KiB shared with
 *   others, which it may keep alive alone; so that peer costs 64 bytes at best and 4 KiB at worst (small-buffer.ts). Above that the
 *   channel's allocator rounds up to a power of two when it is a pooled one.
 * - Without an announcement the first capacity is a power of two; each growth makes it four times what is unread and the chunk. It is
 *   above `maxBytes` only when more bytes than that are there: the present chunk counts before the limit is checked.
 * - Frames may be slices of the buffer. While one is referenced, and from an asBuffer() of one on, the buffer is replaced by a new one,
 *   never compacted.
 *
 * Copied bytes ({@link copied}): each one once when appended, and again at growth. The growths before the present one moved less than a
 * third of what has come since the buffer was empty, and the present one all but the chunk: below 1 + 1 + 1/3 times that at any moment
 * while nothing is read. At the end of a frame whose size was announced it is at most 4/3 of it and 64 bytes. No factor brings the worst
 * moment below two: input is one contiguous piece, and right after a growth each byte was appended and moved.
 */
export class Cumulation {
  /** Undefined while nothing is unread. Owned by this object. */
  buffer: ByteBuf | undefined = undefined
  /** All bytes copied so far, growth included. */
  copied = 0
  /** Length of the last append. */
  private lastAppend = 0
  private readonly maxBytes: number

  /** @param maxBytes how many bytes the owner keeps unread; no more is allocated for bytes that may come */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  get unread(): number {
    return this.buffer === undefined ? 0 : this.buffer.readableBytes
  }

  /**
   * Appends `length` bytes of `source` and moves its readerIndex past them.
   *
   * @param announced how many more bytes decode waits for behind these; 0 when it did not say
   */
  append(alloc: ByteBufAllocator, source: ByteBuf, length: number, announced: number): void {
    if (length === 0) return
    const buffer = this.withRoomFor(alloc, length, announced)
    buffer.writeBytes(source, length)
    this.copied += length
    this.lastAppend = length
  }

  /** Gives memory back when little of it is still used; after each chunk. */
  trim(alloc: ByteBufAllocator, announced: number): void {
    const buffer = this.buffer
    if (buffer === undefined) return
    const unread = buffer.readableBytes
    const wanted = (unread + announced) * GROWTH_FACTOR
    if (unread === 0) {
      this.drop()
    } else if (buffer.capacity > TRIM_THRESHOLD_BYTES && wanted <= buffer.capacity) {
      // room for one more append is kept when moving costs more than came, or a long rest would shrink and grow with each chunk
      if (unread > this.lastAppend && wanted + this.lastAppend >= buffer.capacity) return
      this.replace(alloc, buffer, this.capacityFor(unread, announced))
    }
  }

  /** The unread bytes as one buffer that the caller owns; undefined when there are none. */
  take(): ByteBuf | undefined {
    const buffer = this.buffer
    if (buffer === undefined) return undefined
    const taken = buffer.isReadable ? buffer.readRetainedSlice(buffer.readableBytes) : undefined
    this.drop()
    return taken
  }

  /** Forgets the unread bytes. A decode that still has the buffer in hand finds nothing more to read. */
  drop(): void {
    const buffer = this.buffer
    if (buffer === undefined) return
    this.buffer = undefined
    buffer.skipBytes(buffer.readableBytes)
    buffer.release()
  }

  private withRoomFor(alloc: ByteBufAllocator, length: number, announced: number): ByteBuf {
    const buffer = this.buffer
    if (buffer === undefined) {
      this.buffer = allocate(alloc, this.capacityFor(length, announced))
      return this.buffer
    }
    if (buffer.writableBytes >= length) return buffer
    const unread = buffer.readableBytes
    // compacting pays when less is moved than is won, and nobody holds a slice, or has kept bytes with asBuffer, of what would move
    if (buffer.refCnt === 1 && !buffer.storage.kept && unread <= buffer.readerIndex && unread + length <= buffer.capacity) {
      this.copied += unread
      return buffer.discardReadBytes()
    }
    const capacity = announced > 0 ? this.capacityFor(unread + length, announced) : this.grownCapacity(unread, length)
    return this.replace(alloc, buffer, capacity)
  }

  /** The capacity when `length` bytes come behind `unread` ones for which there is no room. */
  private grownCapacity(unread: number, length: number): number {
    return Math.max(Math.min(unread * GROWTH_FACTOR + length, this.maxBytes), unread + length, MIN_CAPACITY)
  }

  /** The capacity for `required` bytes that are there, and `announced` ones that may come. */
  private capacityFor(required: number, announced: number): number {
    let capacity = announced > 0 ? required + announced : MIN_CAPACITY
    if (announced > 0) while (capacity > required * GROWTH_FACTOR) capacity = Math.ceil(capacity / GROWTH_FACTOR)
    else while (capacity < required) capacity *= 2
    return Math.max(Math.min(capacity, this.maxBytes), required, MIN_CAPACITY)
  }

  private replace(alloc: ByteBufAllocator, old: ByteBuf, capacity: number): ByteBuf {
    const fresh = allocate(alloc, capacity)
    this.copied += old.readableBytes
    fresh.writeBytes(old)
    this.buffer = fresh
    old.release()
    return fresh
  }
}

function allocate(alloc: ByteBufAllocator, capacity: number): ByteBuf {
  return capacity <= SMALL_BUFFER_MAX_BYTES ? smallBuffer(capacity).clear() : alloc.buffer(capacity)
}
