import { ByteBufMemory } from './byte-buf-memory.js'

/**
 * Numbers at an index; no index moves. Big-endian unless the name ends in LE.
 *
 * Each throws an IndexOutOfBoundsError unless all its bytes are within 0..capacity, and an IllegalReferenceCountError after the last
 * release.
 */
export abstract class ByteBufGet extends ByteBufMemory {
  /** The byte at `index` as a boolean: anything but 0 is true. */
  getBoolean(index: number): boolean {
    return this.storage.bytes[this.at(index, 1)] !== 0
  }

  /** The signed byte at `index`. */
  getByte(index: number): number {
    return (this.storage.bytes[this.at(index, 1)]! << 24) >> 24
  }

  /** The unsigned byte at `index`. */
  getUnsignedByte(index: number): number {
    return this.storage.bytes[this.at(index, 1)]!
  }

  /** The signed 16-bit integer at `index`. */
  getShort(index: number): number {
    return (this.load16(this.at(index, 2)) << 16) >> 16
  }

  /** The signed 16-bit integer at `index`, little-endian. */
  getShortLE(index: number): number {
    return (this.load16LE(this.at(index, 2)) << 16) >> 16
  }

  /** The unsigned 16-bit integer at `index`. */
  getUnsignedShort(index: number): number {
    return this.load16(this.at(index, 2))
  }

  /** The unsigned 16-bit integer at `index`, little-endian. */
  getUnsignedShortLE(index: number): number {
    return this.load16LE(this.at(index, 2))
  }

  /** The signed 24-bit integer at `index`. */
  getMedium(index: number): number {
    return (this.load24(this.at(index, 3)) << 8) >> 8
  }

  /** The signed 24-bit integer at `index`, little-endian. */
  getMediumLE(index: number): number {
    return (this.load24LE(this.at(index, 3)) << 8) >> 8
  }

  /** The unsigned 24-bit integer at `index`. */
  getUnsignedMedium(index: number): number {
    return this.load24(this.at(index, 3))
  }

  /** The unsigned 24-bit integer at `index`, little-endian. */
  getUnsignedMediumLE(index: number): number {
    return this.load24LE(this.at(index, 3))
  }

  /** The signed 32-bit integer at `index`. */
  getInt(index: number): number {
    return this.load32(this.at(index, 4))
  }

  /** The signed 32-bit integer at `index`, little-endian. */
  getIntLE(index: number): number {
    return this.load32LE(this.at(index, 4))
  }

  /** The unsigned 32-bit integer at `index`. */
  getUnsignedInt(index: number): number {
    return this.load32(this.at(index, 4)) >>> 0
  }

  /** The unsigned 32-bit integer at `index`, little-endian. */
  getUnsignedIntLE(index: number): number {
    return this.load32LE(this.at(index, 4)) >>> 0
  }

  /** The signed 64-bit integer at `index`. */
  getLong(index: number): bigint {
    return this.loadLong(this.at(index, 8))
  }

  /** The signed 64-bit integer at `index`, little-endian. */
  getLongLE(index: number): bigint {
    return this.loadLongLE(this.at(index, 8))
  }

  /** The unsigned 64-bit integer at `index`. */
  getUnsignedLong(index: number): bigint {
    return this.loadUnsignedLong(this.at(index, 8))
  }

  /** The unsigned 64-bit integer at `index`, little-endian. */
  getUnsignedLongLE(index: number): bigint {
    return this.loadUnsignedLongLE(this.at(index, 8))
  }

  /** The signed 64-bit integer as a number at `index`. An UnsafeIntegerError beyond 2^53 - 1. */
  getSafeLong(index: number): number {
    return this.loadSafeLong(this.at(index, 8))
  }

  /** The signed 64-bit integer as a number at `index`, little-endian. An UnsafeIntegerError beyond 2^53 - 1. */
  getSafeLongLE(index: number): number {
    return this.loadSafeLongLE(this.at(index, 8))
  }

  /** The UTF-16 code unit (0..65535) at `index`. */
  getChar(index: number): number {
    return this.load16(this.at(index, 2))
  }

  /** The 32-bit IEEE float at `index`. */
  getFloat(index: number): number {
    return this.loadFloat(this.at(index, 4))
  }

  /** The 32-bit IEEE float at `index`, little-endian. */
  getFloatLE(index: number): number {
    return this.loadFloatLE(this.at(index, 4))
  }

  /** The 64-bit IEEE float at `index`. */
  getDouble(index: number): number {
    return this.loadDouble(this.at(index, 8))
  }

  /** The 64-bit IEEE float at `index`, little-endian. */
  getDoubleLE(index: number): number {
    return this.loadDoubleLE(this.at(index, 8))
  }
}
