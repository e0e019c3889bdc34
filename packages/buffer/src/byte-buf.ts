import type { Buffer } from 'node:buffer'
import { inspect } from 'node:util'
import { ByteBufSearch } from './byte-buf-search.js'
import { inspectByteBuf } from './inspect-byte-buf.js'
import { UNLIMITED_CAPACITY } from './new-capacity.js'
import { allocateBytes, Storage } from './storage.js'

const brand: unique symbol = Symbol.for('knotty.ByteBuf') as never

/**
 * A byte buffer with two indexes: what is written at writerIndex is read at readerIndex, without flipping.
 *
 *     +-------------------+------------------+------------------+- - - - - - - - - -+
 *     | discardable bytes |  readable bytes  |  writable bytes  |  not yet allocated
 *     +-------------------+------------------+------------------+- - - - - - - - - -+
 *     0      <=      readerIndex   <=   writerIndex    <=    capacity    <=    maxCapacity
 *
 * Made by {@link Unpooled}, {@link ByteBufAllocator} and by channels for what they read. `readX` and `writeX` move an index, `getX` and
 * `setX` take one. Numbers are big-endian unless the name ends in LE; 64-bit integers are bigints, `readSafeLong` gives a number.
 *
 * Slices and duplicates share memory and reference count with their origin, not the indexes. Ownership is Netty's (the last user
 * releases), but a forgotten release costs at most a copy; use after the last release always throws an IllegalReferenceCountError.
 * Indexes out of bounds throw an IndexOutOfBoundsError before anything is changed.
 */
export class ByteBuf extends ByteBufSearch {
  /** True for every ByteBuf, also one of another copy of this package. */
  static isByteBuf(value: unknown): value is ByteBuf {
    // instanceof first: it is inlined and nearly always decides.
    return value instanceof ByteBuf || (typeof value === 'object' && value !== null && brand in value)
  }

  /**
   * A buffer over a whole storage, whose one reference it takes: all bytes are readable, and it can grow without limit, which moves them
   * out of a slab first. Internal to Knotty's packages.
   */
  static overStorage(storage: Storage): ByteBuf {
    return new ByteBuf(storage, 0, 0, storage.capacity, UNLIMITED_CAPACITY, false, UNLIMITED_CAPACITY)
  }

  /** An empty buffer with `initialCapacity` zero bytes of its own. Both numbers have been checked. Internal: see {@link Unpooled}. */
  static allocate(initialCapacity: number, maxCapacity: number): ByteBuf {
    return ByteBuf.emptyOver(new Storage(allocateBytes(initialCapacity), 0, initialCapacity, false), maxCapacity)
  }

  /** An empty buffer over a whole storage, whose one reference it takes. Internal: see PooledByteBufAllocator. */
  static emptyOver(storage: Storage, maxCapacity: number): ByteBuf {
    return new ByteBuf(storage, 0, 0, 0, UNLIMITED_CAPACITY, false, maxCapacity)
  }

  /** A buffer over memory that somebody else allocated, all of it readable; it cannot grow. Internal: see {@link Unpooled}. */
  static wrap(bytes: Buffer): ByteBuf {
    const storage = new Storage(bytes, 0, bytes.length, false)
    return new ByteBuf(storage, 0, 0, bytes.length, UNLIMITED_CAPACITY, false, bytes.length)
  }

  /** The buffer that has no bytes and never gets any. Releasing it does nothing. */
  static readonly EMPTY: ByteBuf = new ByteBuf(Storage.EMPTY, 0, 0, 0, UNLIMITED_CAPACITY, false, 0)

  /**
   * True when all bytes lie in one piece of memory; false for a {@link CompositeByteBuf} and its views, also with one component. Netty:
   * isContiguous (4.1.50).
   */
  get isContiguous(): boolean {
    return true
  }

  /** A view of the readable bytes: index 0 is readerIndex, the size is fixed. Shares memory and count; does not retain. */
  slice(): ByteBuf
  /** A view of `length` bytes at `index`. An IndexOutOfBoundsError unless they are within capacity. */
  slice(index: number, length: number): ByteBuf
  slice(index: number = this.reader, length: number = this.writer - this.reader): ByteBuf {
    this.atRange(index, length)
    return this.newView(this.offset + index, 0, length, length, this.isReadOnly)
  }

  /** {@link slice}, retained: whoever gets it releases it. */
  retainedSlice(): ByteBuf
  /** {@link slice} of a range, retained: whoever gets it releases it. */
  retainedSlice(index: number, length: number): ByteBuf
  retainedSlice(index: number = this.reader, length: number = this.writer - this.reader): ByteBuf {
    return this.slice(index, length).retain()
  }

  /** Reads `length` bytes as a {@link slice}, which is not retained: it is valid as long as this buffer. */
  readSlice(length: number): ByteBuf {
    this.checkReadable(length)
    const slice = this.slice(this.reader, length)
    this.reader += length
    return slice
  }

  /** Reads `length` bytes as a {@link slice} that is retained: whoever gets it releases it. */
  readRetainedSlice(length: number): ByteBuf {
    return this.readSlice(length).retain()
  }

  /**
   * A view of the whole buffer with indexes of its own, which start as this one's; both can grow the memory. Shares memory and count;
   * does not retain. As in Netty 4.1.48, the duplicate of a slice reaches all of the memory that the slice was cut from.
   */
  duplicate(): ByteBuf {
    this.checkAccessible()
    return this.isReadOnly ? this.view(this.offset, this.limit, true) : this.view(0, UNLIMITED_CAPACITY, false)
  }

  /** {@link duplicate}, retained: whoever gets it releases it. */
  retainedDuplicate(): ByteBuf {
    return this.duplicate().retain()
  }

  /** A view as {@link duplicate} through which nothing can be changed; this buffer itself when it is read-only already. */
  asReadOnly(): ByteBuf {
    this.checkAccessible()
    return this.isReadOnly ? this : this.view(this.offset, this.limit, true)
  }

  /** A new buffer with memory of its own and a copy of the readable bytes; the caller owns it. It can grow to the same maxCapacity. */
  copy(): ByteBuf
  /** The same for `length` bytes at `index`. */
  copy(index: number, length: number): ByteBuf
  copy(index: number = this.reader, length: number = this.writer - this.reader): ByteBuf {
    return this.copyRange(index, length, this.storageMax)
  }

  private view(offset: number, limit: number, readOnly: boolean): ByteBuf {
    const shift = this.offset - offset
    return this.newView(offset, this.reader + shift, this.writer + shift, limit, readOnly).markReaderIndex().markWriterIndex()
  }

  /** Another view of the same storage. */
  protected newView(offset: number, reader: number, writer: number, limit: number, readOnly: boolean): ByteBuf {
    return new ByteBuf(this.storage, offset, reader, writer, limit, readOnly, this.storageMax)
  }

  protected override copyRange(index: number, length: number, maxCapacity: number): ByteBuf {
    const at = this.atRange(index, length)
    if (maxCapacity === 0) return ByteBuf.EMPTY
    const copied = ByteBuf.allocate(length, maxCapacity)
    this.copyOut(at, copied.storage.bytes, 0, length)
    copied.writer = length
    return copied
  }

  static {
    Object.defineProperty(this.prototype, brand, { value: true })
    Object.defineProperty(this.prototype, inspect.custom, {
      value(this: ByteBuf): string {
        return inspectByteBuf(this)
      },
    })
  }
}
