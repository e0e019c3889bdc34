import { ByteBufGet } from './byte-buf-get.js'
import { toLong } from './byte-buf-memory.js'

/**
 * Changes of numbers at an index; no index moves and the buffer does not grow. Big-endian unless the name ends in LE.
 *
 * Each throws, before anything is changed, an IndexOutOfBoundsError unless all its bytes are within 0..capacity, a ReadOnlyBufferError
 * in a read-only view, and an IllegalReferenceCountError after the last release.
 */
export abstract class ByteBufSet extends ByteBufGet {
  /** Sets one byte at `index`: 1 for true, 0 for false. */
  setBoolean(index: number, value: boolean): this {
    return this.setByte(index, value ? 1 : 0)
  }

  /** Sets the low 8 bits of `value` at `index`. */
  setByte(index: number, value: number): this {
    const at = this.atForSet(index, 1)
    this.storage.bytes[at] = value
    return this
  }

  /** Sets the low 16 bits of `value` at `index`. */
  setShort(index: number, value: number): this {
    this.store16(this.atForSet(index, 2), value)
    return this
  }

  /** Sets the low 16 bits of `value` at `index`, little-endian. */
  setShortLE(index: number, value: number): this {
    this.store16LE(this.atForSet(index, 2), value)
    return this
  }

  /** Sets the low 24 bits of `value` at `index`. */
  setMedium(index: number, value: number): this {
    this.store24(this.atForSet(index, 3), value)
    return this
  }

  /** Sets the low 24 bits of `value` at `index`, little-endian. */
  setMediumLE(index: number, value: number): this {
    this.store24LE(this.atForSet(index, 3), value)
    return this
  }

  /** Sets the low 32 bits of `value` at `index`. */
  setInt(index: number, value: number): this {
    this.store32(this.atForSet(index, 4), value)
    return this
  }

  /** Sets the low 32 bits of `value` at `index`, little-endian. */
  setIntLE(index: number, value: number): this {
    this.store32LE(this.atForSet(index, 4), value)
    return this
  }

  /** Sets the low 64 bits of `value` at `index`. An IllegalArgumentError for a number that is no safe integer. */
  setLong(index: number, value: bigint | number): this {
    const long = toLong(value)
    this.storeLong(this.atForSet(index, 8), long)
    return this
  }

  /** Sets the low 64 bits of `value` at `index`, little-endian. An IllegalArgumentError for a number that is no safe integer. */
  setLongLE(index: number, value: bigint | number): this {
    const long = toLong(value)
    this.storeLongLE(this.atForSet(index, 8), long)
    return this
  }

  /** Sets a UTF-16 code unit (0..65535) at `index`. */
  setChar(index: number, value: number): this {
    this.store16(this.atForSet(index, 2), value)
    return this
  }

  /** Sets `value` at `index` as a 32-bit IEEE float. */
  setFloat(index: number, value: number): this {
    this.storeFloat(this.atForSet(index, 4), value)
    return this
  }

  /** Sets `value` at `index` as a 32-bit IEEE float, little-endian. */
  setFloatLE(index: number, value: number): this {
    this.storeFloatLE(this.atForSet(index, 4), value)
    return this
  }

  /** Sets `value` at `index` as a 64-bit IEEE float. */
  setDouble(index: number, value: number): this {
    this.storeDouble(this.atForSet(index, 8), value)
    return this
  }

  /** Sets `value` at `index` as a 64-bit IEEE float, little-endian. */
  setDoubleLE(index: number, value: number): this {
    this.storeDoubleLE(this.atForSet(index, 8), value)
    return this
  }
}
