import { Buffer } from 'node:buffer'
import type { ByteBuf } from './byte-buf.js'
import { ByteBufText } from './byte-buf-text.js'
import type { ByteProcessor } from './byte-processor.js'

/** Up to this length a loop finds a byte faster than the built-in search, which needs a view of the range. */
const LOOP_SEARCH_MAX_BYTES = 64

/** Searching, walking and comparing. No index moves. Bytes to look for are given signed or unsigned: the low 8 bits count. */
export abstract class ByteBufSearch extends ByteBufText {
  /**
   * Index of the first byte equal to `value` from `fromIndex` on and before `toIndex`; with fromIndex > toIndex the last one before
   * fromIndex and not below toIndex. -1 when there is none.
   */
  indexOf(fromIndex: number, toIndex: number, value: number): number {
    if (fromIndex > toIndex) return this.lastIndexOf(Math.min(fromIndex, this.capacity), toIndex, value & 0xff)
    const start = Math.max(fromIndex, 0)
    if (start >= toIndex || this.capacity === 0) {
      this.checkAccessible()
      return -1
    }
    const found = this.findFirst(start, toIndex - start, value & 0xff)
    return found < 0 ? -1 : start + found
  }

  /** How many of `length` bytes at `index` stand before the first one equal to `value`; -1 when there is none. */
  protected findFirst(index: number, length: number, value: number): number {
    const at = this.atRange(index, length)
    const place = findByte(this.storage.bytes, at, at + length, value)
    return place < 0 ? -1 : place - at
  }

  private lastIndexOf(fromIndex: number, toIndex: number, value: number): number {
    if (fromIndex < 0 || this.capacity === 0) {
      this.checkAccessible()
      return -1
    }
    const found = this.findLast(toIndex, fromIndex - toIndex, value)
    return found < 0 ? -1 : toIndex + found
  }

  /** As {@link findFirst}, for the last one. */
  protected findLast(index: number, length: number, value: number): number {
    const at = this.atRange(index, length)
    const { bytes } = this.storage
    for (let i = length - 1; i >= 0; i--) if (bytes[at + i] === value) return i
    return -1
  }

  /** How many readable bytes stand before the first one equal to `value`; -1 when there is none. */
  bytesBefore(value: number): number
  /** The same among the next `length` readable bytes; an IndexOutOfBoundsError when fewer are readable. */
  bytesBefore(length: number, value: number): number
  /** The same among `length` bytes at `index`. */
  bytesBefore(index: number, length: number, value: number): number
  bytesBefore(first: number, second?: number, third?: number): number {
    if (second === undefined) return this.bytesBefore0(this.reader, this.writer - this.reader, first)
    if (third === undefined) {
      this.checkReadable(first)
      return this.bytesBefore0(this.reader, first, second)
    }
    return this.bytesBefore0(first, second, third)
  }

  private bytesBefore0(index: number, length: number, value: number): number {
    const found = this.indexOf(index, index + length, value)
    return found < 0 ? -1 : found - index
  }

  /** Shows `processor` the readable bytes one by one; gives the index at which it returned false, or -1. */
  forEachByte(processor: ByteProcessor): number
  /** The same for `length` bytes at `index`. */
  forEachByte(index: number, length: number, processor: ByteProcessor): number
  forEachByte(first: ByteProcessor | number, length?: number, processor?: ByteProcessor): number {
    if (typeof first !== 'number') return this.walk(this.reader, this.writer - this.reader, first)
    return this.walk(first, length!, processor!)
  }

  /** As {@link forEachByte}, from the last byte to the first. */
  forEachByteDesc(processor: ByteProcessor): number
  /** The same for `length` bytes at `index`. */
  forEachByteDesc(index: number, length: number, processor: ByteProcessor): number
  forEachByteDesc(first: ByteProcessor | number, length?: number, processor?: ByteProcessor): number {
    if (typeof first !== 'number') return this.walkDesc(this.reader, this.writer - this.reader, first)
    return this.walkDesc(first, length!, processor!)
  }

  private walk(index: number, length: number, processor: ByteProcessor): number {
    this.atRange(index, length)
    // the processor may release or grow the buffer: each byte is got anew
    for (let i = 0; i < length; i++) if (!processor(this.getUnsignedByte(index + i))) return index + i
    return -1
  }

  private walkDesc(index: number, length: number, processor: ByteProcessor): number {
    this.atRange(index, length)
    for (let i = length - 1; i >= 0; i--) if (!processor(this.getUnsignedByte(index + i))) return index + i
    return -1
  }

  /** True when `other` is a buffer whose readable bytes are the same; capacity and indexes do not count. */
  equals(other: ByteBuf): boolean {
    this.checkAccessible()
    other.checkAccessible()
    return this.readableBytes === other.readableBytes && this.compareTo(other) === 0
  }

  /** Orders by the readable bytes, unsigned, then by their number: negative, 0 or positive. */
  compareTo(other: ByteBuf): number {
    return Buffer.compare(this.unsafeBuffer(), other.unsafeBuffer())
  }

  /** Hash of the readable bytes, a 32-bit integer; equal for equal content. The algorithm is Netty's, so the values are too. */
  hashCode(): number {
    const length = this.writer - this.reader
    const start = this.atRange(this.reader, length)
    const { bytes } = this.storage
    const wordsEnd = start + (length & ~3)
    let hash = 1
    for (let at = start; at < wordsEnd; at += 4) hash = (Math.imul(31, hash) + this.load32(at)) | 0
    for (let at = wordsEnd; at < start + length; at++) hash = (Math.imul(31, hash) + ((bytes[at]! << 24) >> 24)) | 0
    return hash === 0 ? 1 : hash
  }
}

/** The place of `value` in `bytes` from `start` and before `end`; -1 when it is not there. */
export function findByte(bytes: Buffer, start: number, end: number, value: number): number {
  if (end - start <= LOOP_SEARCH_MAX_BYTES) {
    for (let at = start; at < end; at++) if (bytes[at] === value) return at
    return -1
  }
  const found = bytes.subarray(start, end).indexOf(value)
  return found < 0 ? -1 : start + found
}
