import { endianness } from 'node:os'
import { IllegalArgumentError } from '@knotty/common'
import { ByteBufCore } from './byte-buf-core.js'
import { UnsafeIntegerError } from './errors.js'

const scratch = new ArrayBuffer(8)
const words = new Int32Array(scratch)
const longs = new BigInt64Array(scratch)
const unsignedLongs = new BigUint64Array(scratch)
const floats = new Float32Array(scratch)
const doubles = new Float64Array(scratch)
/** Which of the two words of {@link scratch} has the low bits of a 64-bit number. */
const LOW = endianness() === 'LE' ? 0 : 1
const HIGH = 1 - LOW
const TWO_TO_32 = 0x100000000

/**
 * Loads and stores of numbers at a place in `storage.bytes` that {@link ByteBufCore} has checked. Byte shifts beat the methods of
 * Buffer, which check again; methods beat imported functions, whose binding V8 looks up at each call (benchmarks/micro/buffer). 64-bit
 * numbers and floats take their bits through eight shared bytes; nothing is called in between.
 */
export abstract class ByteBufMemory extends ByteBufCore {
  protected load16(at: number): number {
    const { bytes } = this.storage
    return (bytes[at]! << 8) | bytes[at + 1]!
  }

  protected load24(at: number): number {
    const { bytes } = this.storage
    return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
  }

  protected load32(at: number): number {
    const { bytes } = this.storage
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }

  protected store16(at: number, value: number): void {
    const { bytes } = this.storage
    bytes[at] = value >>> 8
    bytes[at + 1] = value
  }

  protected store24(at: number, value: number): void {
    const { bytes } = this.storage
    bytes[at] = value >>> 16
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value
  }

  protected store32(at: number, value: number): void {
    const { bytes } = this.storage
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }

  private load64Bits(at: number): void {
    words[HIGH] = this.load32(at)
    words[LOW] = this.load32(at + 4)
  }

  private store64Bits(at: number): void {
    this.store32(at, words[HIGH]!)
    this.store32(at + 4, words[LOW]!)
  }

  protected loadLong(at: number): bigint {
    this.load64Bits(at)
    return longs[0]!
  }

  protected loadUnsignedLong(at: number): bigint {
    this.load64Bits(at)
    return unsignedLongs[0]!
  }

  protected loadSafeLong(at: number): number {
    return toSafeLong(this.load32(at), this.load32(at + 4))
  }

  protected storeLong(at: number, value: bigint): void {
    longs[0] = value
    this.store64Bits(at)
  }

  protected loadFloat(at: number): number {
    words[0] = this.load32(at)
    return floats[0]!
  }

  protected storeFloat(at: number, value: number): void {
    floats[0] = value
    this.store32(at, words[0]!)
  }

  protected loadDouble(at: number): number {
    this.load64Bits(at)
    return doubles[0]!
  }

  protected storeDouble(at: number, value: number): void {
    doubles[0] = value
    this.store64Bits(at)
  }

  protected load16LE(at: number): number {
    const { bytes } = this.storage
    return (bytes[at + 1]! << 8) | bytes[at]!
  }

  protected load24LE(at: number): number {
    const { bytes } = this.storage
    return (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!
  }

  protected load32LE(at: number): number {
    const { bytes } = this.storage
    return (bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!
  }

  protected store16LE(at: number, value: number): void {
    const { bytes } = this.storage
    bytes[at] = value
    bytes[at + 1] = value >>> 8
  }

  protected store24LE(at: number, value: number): void {
    const { bytes } = this.storage
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
  }

  protected store32LE(at: number, value: number): void {
    const { bytes } = this.storage
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  private load64BitsLE(at: number): void {
    words[HIGH] = this.load32LE(at + 4)
    words[LOW] = this.load32LE(at)
  }

  private store64BitsLE(at: number): void {
    this.store32LE(at + 4, words[HIGH]!)
    this.store32LE(at, words[LOW]!)
  }

  protected loadLongLE(at: number): bigint {
    this.load64BitsLE(at)
    return longs[0]!
  }

  protected loadUnsignedLongLE(at: number): bigint {
    this.load64BitsLE(at)
    return unsignedLongs[0]!
  }

  protected loadSafeLongLE(at: number): number {
    return toSafeLong(this.load32LE(at + 4), this.load32LE(at))
  }

  protected storeLongLE(at: number, value: bigint): void {
    longs[0] = value
    this.store64BitsLE(at)
  }

  protected loadFloatLE(at: number): number {
    words[0] = this.load32LE(at)
    return floats[0]!
  }

  protected storeFloatLE(at: number, value: number): void {
    floats[0] = value
    this.store32LE(at, words[0]!)
  }

  protected loadDoubleLE(at: number): number {
    this.load64BitsLE(at)
    return doubles[0]!
  }

  protected storeDoubleLE(at: number, value: number): void {
    doubles[0] = value
    this.store64BitsLE(at)
  }
}

/** The bigint of a 64-bit value given as either; an {@link IllegalArgumentError} for a number that is no safe integer. */
export function toLong(value: bigint | number): bigint {
  if (typeof value === 'bigint') return value
  if (!Number.isSafeInteger(value)) {
    throw new IllegalArgumentError(`value: ${String(value)} (expected: a bigint, or an integer of at most 2^53 - 1 either way)`)
  }
  return BigInt(value)
}

function toSafeLong(high: number, low: number): number {
  const value = high * TWO_TO_32 + (low >>> 0)
  if (!Number.isSafeInteger(value)) {
    const exact = (BigInt(high) << 32n) | BigInt(low >>> 0)
    throw new UnsafeIntegerError(`value: ${exact} (expected: -(2^53 - 1)..2^53 - 1; readLong and getLong give a bigint)`)
  }
  return value
}
