import { Buffer } from 'node:buffer'
import { IllegalArgumentError, IndexOutOfBoundsError } from '@knotty/common'
import type { ByteBuf } from './byte-buf.js'
import { ByteBufWrite } from './byte-buf-write.js'
import { copyBytes } from './copy-bytes.js'
import type { Storage } from './storage.js'

/** A view of the same memory as a Buffer, which {@link copyBytes} can take; the bytes themselves when they are one. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Text is what people pass by mistake. */
function checkSource(source: ByteBuf): void {
  if (typeof (source as unknown as { checkReadable?: unknown } | undefined)?.checkReadable === 'function') return
  const hint = typeof source === 'string' ? "; text goes to writeCharSequence(text, 'utf8')" : ''
  throw new IllegalArgumentError(`source: ${typeof source} (expected: a ByteBuf or Uint8Array${hint})`)
}

/** Throws an {@link IndexOutOfBoundsError} unless the range is within the array. */
export function checkArrayRange(array: Uint8Array, start: number, length: number): void {
  if (start >>> 0 !== start || length >>> 0 !== length || start + length > array.length) {
    const range = `index: ${String(start)}, length: ${String(length)}`
    throw new IndexOutOfBoundsError(`${range}, array.length: ${array.length} (expected: 0 <= index, index + length <= array.length)`)
  }
}

/** Readable bytes of a buffer that lie in one piece of memory. */
export interface UnsafePart {
  readonly bytes: Buffer
  readonly storage: Storage
}

/**
 * Bytes in bulk, between buffers and from and to byte arrays. Ranges of both sides are checked before anything is changed: an
 * IndexOutOfBoundsError for a bad one, an IllegalArgumentError for a negative length that is read or written at an index of the buffer.
 */
export abstract class ByteBufBytes extends ByteBufWrite {
  /**
   * Copies the readable bytes to `target` from `targetStart` on and returns their number; no index moves. An IndexOutOfBoundsError
   * when they do not fit.
   */
  copyReadableTo(target: Buffer, targetStart: number): number {
    const storage = this.storage
    const length = this.writer - this.reader
    if (targetStart < 0 || targetStart + length > target.length) checkArrayRange(target, targetStart, length)
    if (storage.refCnt === 0 || this.offset + this.writer > storage.capacity) throw this.accessError(this.reader, length)
    copyBytes(storage.bytes, storage.base + this.offset + this.reader, target, targetStart, length)
    return length
  }

  /** Copies to an array from `targetIndex` (0) on, `length` bytes (what is left of the array). No index of this buffer moves. */
  getBytes(index: number, target: Uint8Array, targetIndex?: number, length?: number): this
  /** Copies `length` bytes (as many as `target` can take without growth) to writerIndex of `target`, which moves. */
  getBytes(index: number, target: ByteBuf, length?: number): this
  /** Copies `length` bytes to index `targetIndex` of `target`; no index moves. */
  getBytes(index: number, target: ByteBuf, targetIndex: number, length: number): this
  getBytes(index: number, target: Uint8Array | ByteBuf, first?: number, second?: number): this {
    if (target instanceof Uint8Array) {
      const targetIndex = first ?? 0
      const length = second ?? target.length - targetIndex
      const at = this.atRange(index, length)
      checkArrayRange(target, targetIndex, length)
      this.copyOut(at, bufferOf(target), targetIndex, length)
    } else if (second === undefined) {
      const length = first ?? target.writableBytes
      this.copyTo(index, target, target.writer, length)
      target.writer += length
    } else {
      this.copyTo(index, target, first!, second)
    }
    return this
  }

  /**
   * Copies from an array, `length` bytes (what is left of it) from `sourceIndex` (0) on. No index moves; the buffer does not grow. An array
   * that is a view of the very bytes that are set ({@link unsafeBuffer}) must not overlap them; a ByteBuf may.
   */
  setBytes(index: number, source: Uint8Array, sourceIndex?: number, length?: number): this
  /** Copies `length` bytes (all readable ones) from readerIndex of `source`, which moves. */
  setBytes(index: number, source: ByteBuf, length?: number): this
  /** Copies `length` bytes from index `sourceIndex` of `source`; no index moves. */
  setBytes(index: number, source: ByteBuf, sourceIndex: number, length: number): this
  setBytes(index: number, source: Uint8Array | ByteBuf, first?: number, second?: number): this {
    if (source instanceof Uint8Array) {
      const sourceIndex = first ?? 0
      const length = second ?? source.length - sourceIndex
      const at = this.atRangeForSet(index, length)
      checkArrayRange(source, sourceIndex, length)
      this.copyIn(at, bufferOf(source), sourceIndex, length)
    } else if (second === undefined) {
      checkSource(source)
      const length = first ?? source.readableBytes
      source.checkReadable(length)
      source.copyTo(source.reader, this, index, length)
      source.reader += length
    } else {
      source.copyTo(first!, this, index, second)
    }
    return this
  }

  /** Sets `length` bytes from `index` on to 0. */
  setZero(index: number, length: number): this {
    if (length === 0) {
      this.checkAccessible()
      return this
    }
    const at = this.atRangeForSet(index, length)
    this.fillZero(at, length)
    return this
  }

  /**
   * Reads `length` bytes into a new buffer of their own, which the caller owns and which can grow to this one's maxCapacity. Of 0 bytes
   * it is the empty buffer, as in Netty, which cannot grow.
   */
  readBytes(length: number): ByteBuf
  /** Reads into an array from `targetIndex` (0) on, `length` bytes (what is left of the array). */
  readBytes(target: Uint8Array, targetIndex?: number, length?: number): this
  /** Reads `length` bytes (as many as `target` can take without growth) to writerIndex of `target`, which moves. */
  readBytes(target: ByteBuf, length?: number): this
  /** Reads `length` bytes to index `targetIndex` of `target`, whose indexes stay. */
  readBytes(target: ByteBuf, targetIndex: number, length: number): this
  readBytes(target: number | Uint8Array | ByteBuf, first?: number, second?: number): ByteBuf | this {
    if (typeof target === 'number') {
      this.checkReadable(target)
      const copied = this.copyRange(this.reader, target, target === 0 ? 0 : this.maxCapacity)
      this.reader += target
      return copied
    }
    if (target instanceof Uint8Array) {
      const length = second ?? target.length - (first ?? 0)
      this.checkReadable(length)
      this.getBytes(this.reader, target, first ?? 0, length)
      this.reader += length
      return this
    }
    const length = second ?? first ?? target.writableBytes
    this.checkReadable(length)
    if (second === undefined) this.getBytes(this.reader, target, length)
    else this.getBytes(this.reader, target, first!, length)
    this.reader += length
    return this
  }

  /** Moves readerIndex past `length` bytes. An IndexOutOfBoundsError when fewer are readable. */
  skipBytes(length: number): this {
    this.checkReadable(length)
    this.reader += length
    return this
  }

  /** Writes from an array, `length` bytes (what is left of it) from `sourceIndex` (0) on; the buffer grows when need be. */
  writeBytes(source: Uint8Array, sourceIndex?: number, length?: number): this
  /** Writes `length` bytes (all readable ones) from readerIndex of `source`, which moves. */
  writeBytes(source: ByteBuf, length?: number): this
  /** Writes `length` bytes from index `sourceIndex` of `source`, whose indexes stay. */
  writeBytes(source: ByteBuf, sourceIndex: number, length: number): this
  writeBytes(source: Uint8Array | ByteBuf, first?: number, second?: number): this {
    if (source instanceof Uint8Array) {
      const length = second ?? source.length - (first ?? 0)
      this.ensureWritable(length)
      this.setBytes(this.writer, source, first ?? 0, length)
      this.writer += length
      return this
    }
    checkSource(source)
    const length = second ?? first ?? source.readableBytes
    if (second === undefined) source.checkReadable(length)
    this.ensureWritable(length)
    if (second === undefined) this.setBytes(this.writer, source, length)
    else this.setBytes(this.writer, source, first!, length)
    this.writer += length
    return this
  }

  /** Writes `length` zero bytes; the buffer grows when need be. */
  writeZero(length: number): this {
    if (length === 0) {
      this.checkAccessible()
      return this
    }
    this.ensureWritable(length)
    this.setZero(this.writer, length)
    this.writer += length
    return this
  }

  /**
   * The readable bytes as a Buffer over the same memory, to keep as long as you like: bytes that are borrowed from an event loop's read
   * slab are moved out of it first (one copy of the chunk), and pooled memory never goes back to its pool. What is
   * written to this buffer later shows in it; growing this buffer leaves the Buffer on the old memory.
   */
  asBuffer(): Buffer {
    this.checkAccessible()
    this.storage.handOut()
    return this.unsafeBuffer()
  }

  /**
   * The readable bytes as a Buffer over the same memory, never copied and so valid only until the handler returns: afterwards the
   * event loop overwrites its read slab. Of pooled memory it is valid until this buffer is released or grows. For codecs that copy or
   * decode at once; all others take {@link asBuffer}.
   */
  unsafeBuffer(): Buffer {
    const length = this.writer - this.reader
    const at = this.atRange(this.reader, length)
    return this.storage.bytes.subarray(at, at + length)
  }

  /**
   * The readable bytes as Buffers over the same memory, in order and never copied: one for a buffer that {@link isContiguous}, one for
   * each component that has some for a composite. As {@link unsafeBuffer} valid only until the handler returns. Netty: nioBuffers.
   */
  *unsafeBuffers(): Generator<Buffer, void, undefined> {
    for (const { bytes } of this.unsafeParts()) yield bytes
  }

  /** {@link unsafeBuffers}, each with the storage it lies in. Internal to Knotty's packages. */
  *unsafeParts(): Generator<UnsafePart, void, undefined> {
    if (this.writer > this.reader) yield { bytes: this.unsafeBuffer(), storage: this.storage }
  }

  private copyTo(index: number, target: ByteBufBytes, targetIndex: number, length: number): void {
    const targetAt = target.atRangeForSet(targetIndex, length)
    this.copyAcross(this.atRange(index, length), target, targetAt, length)
  }

  /** Copies to a place of `target`. Places here and below come from {@link atRange} and {@link atRangeForSet}: both sides are checked. */
  protected copyAcross(at: number, target: ByteBufBytes, targetAt: number, length: number): void {
    target.copyIn(targetAt, this.storage.bytes, at, length)
  }

  protected copyOut(at: number, target: Buffer, targetStart: number, length: number): void {
    copyBytes(this.storage.bytes, at, target, targetStart, length)
  }

  protected copyIn(at: number, source: Buffer, sourceStart: number, length: number): void {
    copyBytes(source, sourceStart, this.storage.bytes, at, length)
  }

  protected fillZero(at: number, length: number): void {
    this.storage.bytes.fill(0, at, at + length)
  }

  protected atRangeForSet(index: number, length: number): number {
    this.checkAccessible()
    if (length >>> 0 !== length) throw this.accessError(index, length, true)
    return this.atForSet(index, length)
  }

  /** A new buffer with memory of its own that holds the range and can grow to `maxCapacity` bytes; with 0 the empty buffer. */
  protected abstract copyRange(index: number, length: number, maxCapacity: number): ByteBuf
}
