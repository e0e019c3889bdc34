import { ByteBufRead } from './byte-buf-read.js'
import { toLong } from './byte-buf-memory.js'

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
    this.store16(this.put(2), value)
    return this
  }

  /** Writes the low 16 bits of `value`, little-endian. */
  writeShortLE(value: number): this {
    this.store16LE(this.put(2), value)
    return this
  }

  /** Writes the low 24 bits of `value`. */
  writeMedium(value: number): this {
    this.store24(this.put(3), value)
    return this
  }

  /** Writes the low 24 bits of `value`, little-endian. */
  writeMediumLE(value: number): this {
    this.store24LE(this.put(3), value)
    return this
  }

  /** Writes the low 32 bits of `value`. */
  writeInt(value: number): this {
    this.store32(this.put(4), value)
    return this
  }

  /** Writes the low 32 bits of `value`, little-endian. */
  writeIntLE(value: number): this {
    this.store32LE(this.put(4), value)
    return this
  }

  /** Writes the low 64 bits of `value`. An IllegalArgumentError for a number that is no safe integer. */
  writeLong(value: bigint | number): this {
    const long = toLong(value)
    this.storeLong(this.put(8), long)
    return this
  }

  /** Writes the low 64 bits of `value`, little-endian. An IllegalArgumentError for a number that is no safe integer. */
  writeLongLE(value: bigint | number): this {
    const long = toLong(value)
    this.storeLongLE(this.put(8), long)
    return this
  }

  /** Writes a UTF-16 code unit (0..65535). */
  writeChar(value: number): this {
    this.store16(this.put(2), value)
    return this
  }

  /** Writes `value` as a 32-bit IEEE float. */
  writeFloat(value: number): this {
    this.storeFloat(this.put(4), value)
    return this
  }

  /** Writes `value` as a 32-bit IEEE float, little-endian. */
  writeFloatLE(value: number): this {
    this.storeFloatLE(this.put(4), value)
    return this
  }

  /** Writes `value` as a 64-bit IEEE float. */
  writeDouble(value: number): this {
    this.storeDouble(this.put(8), value)
    return this
  }

  /** Writes `value` as a 64-bit IEEE float, little-endian. */
  writeDoubleLE(value: number): this {
    this.storeDoubleLE(this.put(8), value)
    return this
  }
}
