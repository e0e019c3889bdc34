import { ByteBufSet } from './byte-buf-set.js'

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
    return (this.load16(this.take(2)) << 16) >> 16
  }

  /** Reads a signed 16-bit integer, little-endian. */
  readShortLE(): number {
    return (this.load16LE(this.take(2)) << 16) >> 16
  }

  /** Reads an unsigned 16-bit integer. */
  readUnsignedShort(): number {
    return this.load16(this.take(2))
  }

  /** Reads an unsigned 16-bit integer, little-endian. */
  readUnsignedShortLE(): number {
    return this.load16LE(this.take(2))
  }

  /** Reads a signed 24-bit integer. */
  readMedium(): number {
    return (this.load24(this.take(3)) << 8) >> 8
  }

  /** Reads a signed 24-bit integer, little-endian. */
  readMediumLE(): number {
    return (this.load24LE(this.take(3)) << 8) >> 8
  }

  /** Reads an unsigned 24-bit integer. */
  readUnsignedMedium(): number {
    return this.load24(this.take(3))
  }

  /** Reads an unsigned 24-bit integer, little-endian. */
  readUnsignedMediumLE(): number {
    return this.load24LE(this.take(3))
  }

  /** Reads a signed 32-bit integer. */
  readInt(): number {
    return this.load32(this.take(4))
  }

  /** Reads a signed 32-bit integer, little-endian. */
  readIntLE(): number {
    return this.load32LE(this.take(4))
  }

  /** Reads an unsigned 32-bit integer. */
  readUnsignedInt(): number {
    return this.load32(this.take(4)) >>> 0
  }

  /** Reads an unsigned 32-bit integer, little-endian. */
  readUnsignedIntLE(): number {
    return this.load32LE(this.take(4)) >>> 0
  }

  /** Reads a signed 64-bit integer. */
  readLong(): bigint {
    return this.loadLong(this.take(8))
  }

  /** Reads a signed 64-bit integer, little-endian. */
  readLongLE(): bigint {
    return this.loadLongLE(this.take(8))
  }

  /** Reads an unsigned 64-bit integer. */
  readUnsignedLong(): bigint {
    return this.loadUnsignedLong(this.take(8))
  }

  /** Reads an unsigned 64-bit integer, little-endian. */
  readUnsignedLongLE(): bigint {
    return this.loadUnsignedLongLE(this.take(8))
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
    return this.load16(this.take(2))
  }

  /** Reads a 32-bit IEEE float. */
  readFloat(): number {
    return this.loadFloat(this.take(4))
  }

  /** Reads a 32-bit IEEE float, little-endian. */
  readFloatLE(): number {
    return this.loadFloatLE(this.take(4))
  }

  /** Reads a 64-bit IEEE float. */
  readDouble(): number {
    return this.loadDouble(this.take(8))
  }

  /** Reads a 64-bit IEEE float, little-endian. */
  readDoubleLE(): number {
    return this.loadDoubleLE(this.take(8))
  }
}
