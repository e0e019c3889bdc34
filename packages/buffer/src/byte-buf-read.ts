import { ByteBufSet } from './byte-buf-set.js'
import {
  load16,
  load16LE,
  load24,
  load24LE,
  load32,
  load32LE,
  loadDouble,
  loadDoubleLE,
  loadFloat,
  loadFloatLE,
  loadLong,
  loadLongLE,
  loadUnsignedLong,
  loadUnsignedLongLE,
} from './endian.js'

/**
 * Numbers at readerIndex, which moves past them. Big-endian unless the name ends in LE.
 *
 * Each throws an IndexOutOfBoundsError when fewer bytes are readable, and an IllegalReferenceCountError after the last release; the
 * index has not moved then.
 */
export abstract class ByteBufRead extends ByteBufSet {
  /** Reads a byte as a boolean: anything but 0 is true. */
  readBoolean(): boolean {
    return this.storage.bytes[this.take(1)] !== 0
  }

  /** Reads a signed byte. */
  readByte(): number {
    return (this.storage.bytes[this.take(1)]! << 24) >> 24
  }

  /** Reads an unsigned byte. */
  readUnsignedByte(): number {
    return this.storage.bytes[this.take(1)]!
  }

  /** Reads a signed 16-bit integer. */
  readShort(): number {
    return (load16(this.storage.bytes, this.take(2)) << 16) >> 16
  }

  /** Reads a signed 16-bit integer, little-endian. */
  readShortLE(): number {
    return (load16LE(this.storage.bytes, this.take(2)) << 16) >> 16
  }

  /** Reads an unsigned 16-bit integer. */
  readUnsignedShort(): number {
    return load16(this.storage.bytes, this.take(2))
  }

  /** Reads an unsigned 16-bit integer, little-endian. */
  readUnsignedShortLE(): number {
    return load16LE(this.storage.bytes, this.take(2))
  }

  /** Reads a signed 24-bit integer. */
  readMedium(): number {
    return (load24(this.storage.bytes, this.take(3)) << 8) >> 8
  }

  /** Reads a signed 24-bit integer, little-endian. */
  readMediumLE(): number {
    return (load24LE(this.storage.bytes, this.take(3)) << 8) >> 8
  }

  /** Reads an unsigned 24-bit integer. */
  readUnsignedMedium(): number {
    return load24(this.storage.bytes, this.take(3))
  }

  /** Reads an unsigned 24-bit integer, little-endian. */
  readUnsignedMediumLE(): number {
    return load24LE(this.storage.bytes, this.take(3))
  }

  /** Reads a signed 32-bit integer. */
  readInt(): number {
    return load32(this.storage.bytes, this.take(4))
  }

  /** Reads a signed 32-bit integer, little-endian. */
  readIntLE(): number {
    return load32LE(this.storage.bytes, this.take(4))
  }

  /** Reads an unsigned 32-bit integer. */
  readUnsignedInt(): number {
    return load32(this.storage.bytes, this.take(4)) >>> 0
  }

  /** Reads an unsigned 32-bit integer, little-endian. */
  readUnsignedIntLE(): number {
    return load32LE(this.storage.bytes, this.take(4)) >>> 0
  }

  /** Reads a signed 64-bit integer. */
  readLong(): bigint {
    return loadLong(this.storage.bytes, this.take(8))
  }

  /** Reads a signed 64-bit integer, little-endian. */
  readLongLE(): bigint {
    return loadLongLE(this.storage.bytes, this.take(8))
  }

  /** Reads an unsigned 64-bit integer. */
  readUnsignedLong(): bigint {
    return loadUnsignedLong(this.storage.bytes, this.take(8))
  }

  /** Reads an unsigned 64-bit integer, little-endian. */
  readUnsignedLongLE(): bigint {
    return loadUnsignedLongLE(this.storage.bytes, this.take(8))
  }

  /** Reads a signed 64-bit integer as a number. An UnsafeIntegerError beyond 2^53 - 1, with readerIndex unmoved. */
  readSafeLong(): number {
    this.checkReadable(8)
    const value = this.getSafeLong(this.reader)
    this.reader += 8
    return value
  }

  /** Reads a signed 64-bit integer as a number, little-endian. An UnsafeIntegerError beyond 2^53 - 1, with readerIndex unmoved. */
  readSafeLongLE(): number {
    this.checkReadable(8)
    const value = this.getSafeLongLE(this.reader)
    this.reader += 8
    return value
  }

  /** Reads a UTF-16 code unit (0..65535). */
  readChar(): number {
    return load16(this.storage.bytes, this.take(2))
  }

  /** Reads a 32-bit IEEE float. */
  readFloat(): number {
    return loadFloat(this.storage.bytes, this.take(4))
  }

  /** Reads a 32-bit IEEE float, little-endian. */
  readFloatLE(): number {
    return loadFloatLE(this.storage.bytes, this.take(4))
  }

  /** Reads a 64-bit IEEE float. */
  readDouble(): number {
    return loadDouble(this.storage.bytes, this.take(8))
  }

  /** Reads a 64-bit IEEE float, little-endian. */
  readDoubleLE(): number {
    return loadDoubleLE(this.storage.bytes, this.take(8))
  }
}
