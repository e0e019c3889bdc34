import { ByteBufRead } from './byte-buf-read.js'
import {
  store16,
  store16LE,
  store24,
  store24LE,
  store32,
  store32LE,
  storeDouble,
  storeDoubleLE,
  storeFloat,
  storeFloatLE,
  storeLong,
  storeLongLE,
  toLong,
} from './endian.js'

/**
 * Numbers written at writerIndex, which moves past them; the buffer grows when need be. Big-endian unless the name ends in LE.
 *
 * Each throws, before anything is changed, an IndexOutOfBoundsError when maxCapacity would be exceeded, a ReadOnlyBufferError in a
 * read-only view, and an IllegalReferenceCountError after the last release.
 */
export abstract class ByteBufWrite extends ByteBufRead {
  /** Writes one byte: 1 for true, 0 for false. */
  writeBoolean(value: boolean): this {
    return this.writeByte(value ? 1 : 0)
  }

  /** Writes the low 8 bits of `value`. */
  writeByte(value: number): this {
    const at = this.put(1)
    this.storage.bytes[at] = value
    return this
  }

  /** Writes the low 16 bits of `value`. */
  writeShort(value: number): this {
    const at = this.put(2)
    store16(this.storage.bytes, at, value)
    return this
  }

  /** Writes the low 16 bits of `value`, little-endian. */
  writeShortLE(value: number): this {
    const at = this.put(2)
    store16LE(this.storage.bytes, at, value)
    return this
  }

  /** Writes the low 24 bits of `value`. */
  writeMedium(value: number): this {
    const at = this.put(3)
    store24(this.storage.bytes, at, value)
    return this
  }

  /** Writes the low 24 bits of `value`, little-endian. */
  writeMediumLE(value: number): this {
    const at = this.put(3)
    store24LE(this.storage.bytes, at, value)
    return this
  }

  /** Writes the low 32 bits of `value`. */
  writeInt(value: number): this {
    const at = this.put(4)
    store32(this.storage.bytes, at, value)
    return this
  }

  /** Writes the low 32 bits of `value`, little-endian. */
  writeIntLE(value: number): this {
    const at = this.put(4)
    store32LE(this.storage.bytes, at, value)
    return this
  }

  /** Writes the low 64 bits of `value`. An IllegalArgumentError for a number that is no safe integer. */
  writeLong(value: bigint | number): this {
    const long = toLong(value)
    const at = this.put(8)
    storeLong(this.storage.bytes, at, long)
    return this
  }

  /** Writes the low 64 bits of `value`, little-endian. An IllegalArgumentError for a number that is no safe integer. */
  writeLongLE(value: bigint | number): this {
    const long = toLong(value)
    const at = this.put(8)
    storeLongLE(this.storage.bytes, at, long)
    return this
  }

  /** Writes a UTF-16 code unit (0..65535). */
  writeChar(value: number): this {
    const at = this.put(2)
    store16(this.storage.bytes, at, value)
    return this
  }

  /** Writes `value` as a 32-bit IEEE float. */
  writeFloat(value: number): this {
    const at = this.put(4)
    storeFloat(this.storage.bytes, at, value)
    return this
  }

  /** Writes `value` as a 32-bit IEEE float, little-endian. */
  writeFloatLE(value: number): this {
    const at = this.put(4)
    storeFloatLE(this.storage.bytes, at, value)
    return this
  }

  /** Writes `value` as a 64-bit IEEE float. */
  writeDouble(value: number): this {
    const at = this.put(8)
    storeDouble(this.storage.bytes, at, value)
    return this
  }

  /** Writes `value` as a 64-bit IEEE float, little-endian. */
  writeDoubleLE(value: number): this {
    const at = this.put(8)
    storeDoubleLE(this.storage.bytes, at, value)
    return this
  }
}
