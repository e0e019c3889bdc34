import type { Buffer } from 'node:buffer'
import { endianness } from 'node:os'
import { IllegalArgumentError } from '@knotty/common'
import { UnsafeIntegerError } from './errors.js'

/*
 * Loads and stores of numbers at a place that the caller has checked. Byte shifts beat the methods of Buffer, which check again
 * (benchmarks/micro/buffer). 64-bit numbers and floats take their bits through eight shared bytes; nothing is called in between.
 */
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

export function load16(bytes: Buffer, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function load24(bytes: Buffer, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
}

export function load32(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

export function store16(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function store24(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 16
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value
}

export function store32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function load64Bits(bytes: Buffer, at: number): void {
  words[HIGH] = load32(bytes, at)
  words[LOW] = load32(bytes, at + 4)
}

function store64Bits(bytes: Buffer, at: number): void {
  store32(bytes, at, words[HIGH]!)
  store32(bytes, at + 4, words[LOW]!)
}

export function loadLong(bytes: Buffer, at: number): bigint {
  load64Bits(bytes, at)
  return longs[0]!
}

export function loadUnsignedLong(bytes: Buffer, at: number): bigint {
  load64Bits(bytes, at)
  return unsignedLongs[0]!
}

export function loadSafeLong(bytes: Buffer, at: number): number {
  return toSafeLong(load32(bytes, at), load32(bytes, at + 4))
}

export function storeLong(bytes: Buffer, at: number, value: bigint): void {
  longs[0] = value
  store64Bits(bytes, at)
}

export function loadFloat(bytes: Buffer, at: number): number {
  words[0] = load32(bytes, at)
  return floats[0]!
}

export function storeFloat(bytes: Buffer, at: number, value: number): void {
  floats[0] = value
  store32(bytes, at, words[0]!)
}

export function loadDouble(bytes: Buffer, at: number): number {
  load64Bits(bytes, at)
  return doubles[0]!
}

export function storeDouble(bytes: Buffer, at: number, value: number): void {
  doubles[0] = value
  store64Bits(bytes, at)
}

export function load16LE(bytes: Buffer, at: number): number {
  return (bytes[at + 1]! << 8) | bytes[at]!
}

export function load24LE(bytes: Buffer, at: number): number {
  return (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!
}

export function load32LE(bytes: Buffer, at: number): number {
  return (bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!
}

export function store16LE(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

export function store24LE(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
}

export function store32LE(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

function load64BitsLE(bytes: Buffer, at: number): void {
  words[HIGH] = load32LE(bytes, at + 4)
  words[LOW] = load32LE(bytes, at)
}

function store64BitsLE(bytes: Buffer, at: number): void {
  store32LE(bytes, at + 4, words[HIGH]!)
  store32LE(bytes, at, words[LOW]!)
}

export function loadLongLE(bytes: Buffer, at: number): bigint {
  load64BitsLE(bytes, at)
  return longs[0]!
}

export function loadUnsignedLongLE(bytes: Buffer, at: number): bigint {
  load64BitsLE(bytes, at)
  return unsignedLongs[0]!
}

export function loadSafeLongLE(bytes: Buffer, at: number): number {
  return toSafeLong(load32LE(bytes, at + 4), load32LE(bytes, at))
}

export function storeLongLE(bytes: Buffer, at: number, value: bigint): void {
  longs[0] = value
  store64BitsLE(bytes, at)
}

export function loadFloatLE(bytes: Buffer, at: number): number {
  words[0] = load32LE(bytes, at)
  return floats[0]!
}

export function storeFloatLE(bytes: Buffer, at: number, value: number): void {
  floats[0] = value
  store32LE(bytes, at, words[0]!)
}

export function loadDoubleLE(bytes: Buffer, at: number): number {
  load64BitsLE(bytes, at)
  return doubles[0]!
}

export function storeDoubleLE(bytes: Buffer, at: number, value: number): void {
  doubles[0] = value
  store64BitsLE(bytes, at)
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
