import { IllegalArgumentError, IndexOutOfBoundsError, UnsupportedOperationError } from '@knotty/common'
import { copyBytes } from './copy-bytes.js'
import { IllegalReferenceCountError, ReadOnlyBufferError } from './errors.js'
import { calculateNewCapacity, UNLIMITED_CAPACITY } from './new-capacity.js'
import type { ReferenceCounted } from './reference-counted.js'
import { Storage } from './storage.js'

/** `value >>> 0` of an index or length that is an integer from 0 to 2^32 - 1 is the value itself; of nothing else is. */
function isIndex(value: number): boolean {
  return value >>> 0 === value
}

/**
 * Indexes, capacity, marks and references of a {@link ByteBuf}; first link of the chain of classes that it is cut into by concern:
 * core, memory, get, set, read, write, bytes, text, search, ByteBuf. Only the last one is ever constructed, so all buffers and views
 * share one hidden class and call sites stay monomorphic. (CompositeByteBuf and its views are the exception; they alone pay for it.)
 */
export abstract class ByteBufCore implements ReferenceCounted {
  /** The memory and its reference count. Internal to Knotty's packages. */
  readonly storage: Storage
  /** Where index 0 of this view lies, counted from the storage's base. Internal to Knotty's packages. */
  readonly offset: number
  protected reader: number
  protected writer: number
  /** Indexes from here on are not this view's: the length of a slice, {@link UNLIMITED_CAPACITY} where the storage decides. */
  protected readonly limit: number
  /** {@link limit}, or -1 in a read-only view: then every write takes the cold path, which throws. */
  protected readonly writeLimit: number
  /** To how many bytes the storage may grow, through any of its views that is not a slice. */
  protected readonly storageMax: number
  private markedReader: number
  private markedWriter: number

  protected constructor(
    storage: Storage,
    offset: number,
    reader: number,
    writer: number,
    limit: number,
    readOnly: boolean,
    storageMax: number,
  ) {
    this.storage = storage
    this.offset = offset
    this.reader = reader
    this.writer = writer
    this.limit = limit
    this.writeLimit = readOnly ? -1 : limit
    this.storageMax = storageMax
    this.markedReader = 0
    this.markedWriter = 0
  }

  /**
   * Index of the next byte to read. Setting it throws an {@link IndexOutOfBoundsError} outside 0..writerIndex. Setting indexes
   * touches no memory and so does not look at {@link refCnt}.
   */
  get readerIndex(): number {
    return this.reader
  }

  set readerIndex(index: number) {
    if (!isIndex(index) || index > this.writer) {
      throw new IndexOutOfBoundsError(`readerIndex: ${String(index)} (expected: 0 <= readerIndex <= writerIndex(${this.writer}))`)
    }
    this.reader = index
  }

  /** Index of the next byte to write. Setting it throws an {@link IndexOutOfBoundsError} outside readerIndex..capacity. */
  get writerIndex(): number {
    return this.writer
  }

  set writerIndex(index: number) {
    if (!isIndex(index) || index < this.reader || index > this.capacity) {
      const expected = `readerIndex(${this.reader}) <= writerIndex <= capacity(${this.capacity})`
      throw new IndexOutOfBoundsError(`writerIndex: ${String(index)} (expected: ${expected})`)
    }
    this.writer = index
  }

  /** Sets both indexes in one step. An {@link IndexOutOfBoundsError} unless 0 <= readerIndex <= writerIndex <= capacity. */
  setIndex(readerIndex: number, writerIndex: number): this {
    if (!isIndex(readerIndex) || !isIndex(writerIndex) || readerIndex > writerIndex || writerIndex > this.capacity) {
      const expected = `0 <= readerIndex <= writerIndex <= capacity(${this.capacity})`
      throw new IndexOutOfBoundsError(`readerIndex: ${String(readerIndex)}, writerIndex: ${String(writerIndex)} (expected: ${expected})`)
    }
    this.reader = readerIndex
    this.writer = writerIndex
    return this
  }

  /** Sets both indexes to 0. The bytes, the capacity and the marks stay as they are. */
  clear(): this {
    this.reader = 0
    this.writer = 0
    return this
  }

  /** Bytes allocated: what the indexes can reach without growth. 0 once released (a slice keeps its length). */
  get capacity(): number {
    return this.limit < UNLIMITED_CAPACITY ? this.limit : this.storage.capacity
  }

  /** Bytes to which the buffer may grow; 2147483647 = without limit. */
  get maxCapacity(): number {
    return Math.min(this.limit, this.storageMax)
  }

  /** Bytes between readerIndex and writerIndex. */
  get readableBytes(): number {
    return this.writer - this.reader
  }

  /** Bytes that can be written without growth. */
  get writableBytes(): number {
    return this.capacity - this.writer
  }

  /** Bytes that can be written with growth. */
  get maxWritableBytes(): number {
    return this.maxCapacity - this.writer
  }

  /** True when at least one byte is readable. */
  get isReadable(): boolean {
    return this.writer > this.reader
  }

  /** True when at least one byte can be written without growth; false for a read-only view. */
  get isWritable(): boolean {
    return this.hasWritable(1)
  }

  /** True when the bytes cannot be changed through this view. */
  get isReadOnly(): boolean {
    return this.writeLimit < 0
  }

  /** True when `length` bytes are readable. Netty: isReadable(int); never true of the empty buffer. */
  hasReadable(length: number): boolean {
    return this.writer - this.reader >= length && (length > 0 || this.storage !== Storage.EMPTY)
  }

  /** True when `length` bytes can be written without growth. Netty: isWritable(int); never true of read-only views and the empty buffer. */
  hasWritable(length: number): boolean {
    return this.writeLimit >= 0 && this.capacity - this.writer >= length && (length > 0 || this.storage !== Storage.EMPTY)
  }

  /**
   * Allocates exactly `capacity` bytes and keeps the content that fits; indexes beyond the new end are lowered to it. Other views of
   * the same memory see the new size. Netty: capacity(int).
   *
   * Throws an {@link IllegalArgumentError} outside 0..maxCapacity, a {@link ReadOnlyBufferError} for read-only views and the empty
   * buffer, an {@link UnsupportedOperationError} for slices, whose size is fixed.
   */
  setCapacity(capacity: number): this {
    this.checkAccessible()
    if (this.isReadOnly || this.storage === Storage.EMPTY) throw new ReadOnlyBufferError()
    if (this.limit < UNLIMITED_CAPACITY) throw new UnsupportedOperationError('the capacity of a slice is fixed')
    if (!isIndex(capacity) || capacity > this.maxCapacity) {
      throw new IllegalArgumentError(`capacity: ${String(capacity)} (expected: 0..maxCapacity(${this.maxCapacity}))`)
    }
    try {
      if (capacity !== this.storage.capacity) this.storage.resize(capacity)
    } finally {
      // also when a component that was cut off could not be released
      this.writer = Math.min(this.writer, this.storage.capacity)
      this.reader = Math.min(this.reader, this.writer)
    }
    return this
  }

  /**
   * Makes room for `length` more bytes, growing when need be (powers of two from 64, steps of 4 MiB above 4 MiB). An
   * {@link IllegalArgumentError} for a negative length, an {@link IndexOutOfBoundsError} beyond maxCapacity.
   */
  ensureWritable(length: number): this {
    this.checkLength(length)
    this.makeRoom(length)
    return this
  }

  /**
   * As {@link ensureWritable}, but tells instead of throwing: 0 = there was room, 1 = it cannot be had and nothing was changed, 2 = the
   * buffer has grown, 3 = it cannot be had, but with `force` the buffer has grown to maxCapacity. Netty: ensureWritable(int, boolean).
   */
  tryEnsureWritable(length: number, force = false): 0 | 1 | 2 | 3 {
    this.checkAccessible()
    this.checkLength(length)
    if (this.isReadOnly) return 1
    if (length <= this.capacity - this.writer) return 0
    if (length > this.maxCapacity - this.writer) {
      if (!force || this.capacity === this.maxCapacity) return 1
      this.setCapacity(this.maxCapacity)
      return 3
    }
    this.setCapacity(calculateNewCapacity(this.writer + length, this.maxCapacity))
    return 2
  }

  /** Remembers readerIndex for {@link resetReaderIndex}. The mark of a new buffer is 0. */
  markReaderIndex(): this {
    this.markedReader = this.reader
    return this
  }

  /** Sets readerIndex to the mark. An {@link IndexOutOfBoundsError} when that is beyond writerIndex now. */
  resetReaderIndex(): this {
    this.readerIndex = this.markedReader
    return this
  }

  /** Remembers writerIndex for {@link resetWriterIndex}. The mark of a new buffer is 0. */
  markWriterIndex(): this {
    this.markedWriter = this.writer
    return this
  }

  /** Sets writerIndex to the mark. An {@link IndexOutOfBoundsError} when that is below readerIndex or beyond capacity now. */
  resetWriterIndex(): this {
    this.writerIndex = this.markedWriter
    return this
  }

  /** Moves the readable bytes to index 0, and indexes and marks with them. Copies. A {@link ReadOnlyBufferError} for read-only views. */
  discardReadBytes(): this {
    this.checkAccessible()
    if (this.isReadOnly) throw new ReadOnlyBufferError()
    if (this.reader === 0) return this
    if (this.writer > this.reader) this.moveReadableToStart()
    this.lowerIndexes(this.reader)
    return this
  }

  protected moveReadableToStart(): void {
    const { bytes } = this.storage
    const start = this.at(0, this.writer)
    copyBytes(bytes, start + this.reader, bytes, start, this.writer - this.reader)
  }

  /** `discarded` bytes at the start have gone: both indexes and, as far as they go, the marks follow. */
  protected lowerIndexes(discarded: number): void {
    this.reader -= discarded
    this.writer -= discarded
    this.markedReader = Math.max(this.markedReader - discarded, 0)
    this.markedWriter = Math.max(this.markedWriter - discarded, 0)
  }

  /** {@link discardReadBytes} when that is worth its copy: everything was read, or at least half the capacity. */
  discardSomeReadBytes(): this {
    this.checkAccessible()
    if (this.isReadOnly) throw new ReadOnlyBufferError()
    if (this.reader === this.writer || this.reader >= this.capacity >>> 1) this.discardReadBytes()
    return this
  }

  /** References to the memory, those of all its views counted together; 0 once released. */
  get refCnt(): number {
    return this.storage.refCnt
  }

  /** Adds `increment` references (1). An {@link IllegalReferenceCountError} when released already. */
  retain(increment = 1): this {
    this.storage.retain(increment)
    return this
  }

  /**
   * Takes `decrement` references back (1). With the last one the memory is dropped, every later access through any view throws an
   * {@link IllegalReferenceCountError}, and true is returned. Releasing more than there are throws the same error.
   */
  release(decrement = 1): boolean {
    return this.storage.release(decrement)
  }

  /**
   * Tells the leak detector that the buffer was seen here. From level advanced on the hint and the place are told of when pooled memory
   * of it is not recycled; below that, and for other memory, this does nothing.
   */
  touch(hint?: unknown): this {
    this.storage.touch(hint)
    return this
  }

  /** {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }

  protected checkAccessible(): void {
    if (this.storage.refCnt === 0) throw this.releasedError()
  }

  protected checkLength(length: number): void {
    if (!isIndex(length)) throw new IllegalArgumentError(`length: ${String(length)} (expected: an integer >= 0)`)
  }

  /**
   * Checks that `length` bytes at `index` are within capacity and gives the place of the first in `storage.bytes`. The storage's
   * capacity is 0 once released, so the same comparison finds a stale view; what was wrong is found out when throwing.
   */
  protected at(index: number, length: number): number {
    const storage = this.storage
    const start = this.offset + index
    if (index >>> 0 !== index || index > this.limit - length || start > storage.capacity - length) throw this.accessError(index, length)
    return storage.base + start
  }

  /** {@link at} for a change of the bytes. */
  protected atForSet(index: number, length: number): number {
    const storage = this.storage
    const start = this.offset + index
    if (index >>> 0 !== index || index > this.writeLimit - length || start > storage.capacity - length) {
      throw this.accessError(index, length, true)
    }
    return storage.base + start
  }

  /** {@link at} for a length that is not a constant: it may be 0 or no length at all. */
  protected atRange(index: number, length: number): number {
    this.checkAccessible()
    if (!isIndex(length)) throw this.accessError(index, length)
    return this.at(index, length)
  }

  /** Checks that `length` bytes are readable, moves readerIndex past them and gives the place of the first in `storage.bytes`. */
  protected take(length: number): number {
    const storage = this.storage
    const index = this.reader
    const start = this.offset + index
    if (index > this.writer - length || start > storage.capacity - length) throw this.readError(length)
    this.reader = index + length
    return storage.base + start
  }

  /** Checks that `length` bytes are readable, for a length that is not a constant. */
  protected checkReadable(length: number): void {
    this.checkLength(length)
    this.checkAccessible()
    const end = this.reader + length
    if (end > this.writer || this.offset + end > this.storage.capacity) throw this.readError(length)
  }

  /** Makes room for `length` bytes, moves writerIndex past them and gives the place of the first in `storage.bytes`. */
  protected put(length: number): number {
    const storage = this.storage
    const index = this.writer
    const start = this.offset + index
    if (index > this.writeLimit - length || start > storage.capacity - length) this.makeRoomForPut(length)
    this.writer = index + length
    return storage.base + start
  }

  private makeRoomForPut(length: number): void {
    if (length === 1 && this.isReadOnly && this.offset + this.writer < this.storage.capacity) {
      // Netty moves writerIndex past the byte that it then refuses (vector asReadOnly)
      this.writer++
      throw new ReadOnlyBufferError()
    }
    this.makeRoom(length)
  }

  /** Grows so that `length` bytes can be written, or throws before anything is changed. */
  protected makeRoom(length: number): void {
    this.checkAccessible()
    const end = this.writer + length
    if (end > this.maxCapacity) throw this.outOfBounds(this.writer, length, `writerIndex + length exceeds maxCapacity(${this.maxCapacity})`)
    if (this.isReadOnly) throw new ReadOnlyBufferError()
    if (this.offset + end <= this.storage.capacity) return
    if (this.limit < UNLIMITED_CAPACITY) throw this.outOfBounds(this.writer, length, 'the memory below the slice has shrunk')
    this.storage.resize(calculateNewCapacity(end, this.maxCapacity))
  }

  private readError(length: number): Error {
    if (this.storage.refCnt === 0) return this.releasedError()
    return this.outOfBounds(this.reader, length, 'readerIndex + length exceeds writerIndex or capacity')
  }

  protected accessError(index: number, length: number, change = false): Error {
    if (this.storage.refCnt === 0) return this.releasedError()
    if (change && this.isReadOnly) return new ReadOnlyBufferError()
    return this.outOfBounds(index, length, 'expected: 0 <= index, index + length <= capacity')
  }

  private releasedError(): IllegalReferenceCountError {
    return new IllegalReferenceCountError('refCnt: 0 (the buffer was used after its last release)')
  }

  private outOfBounds(index: number, length: number, why: string): IndexOutOfBoundsError {
    const state = `readerIndex: ${this.reader}, writerIndex: ${this.writer}, capacity: ${this.capacity}`
    return new IndexOutOfBoundsError(`index: ${String(index)}, length: ${String(length)}, ${state} (${why})`)
  }
}
