import { IllegalArgumentError } from '@knotty/common'

/** Order of the bytes of a number on the wire: big-endian (network order) or little-endian. */
export type ByteOrder = 'BE' | 'LE'

/** Checks a byte order. An {@link IllegalArgumentError} for anything but 'BE' and 'LE'. */
export function checkByteOrder(order: ByteOrder): ByteOrder {
  if (order !== 'BE' && order !== 'LE') throw new IllegalArgumentError(`byteOrder: ${String(order)} (expected: 'BE' or 'LE')`)
  return order
}

/** Checks a number that may be negative. An {@link IllegalArgumentError} when it is no safe integer. */
export function checkInteger(value: number, name: string): number {
  if (!Number.isSafeInteger(value)) throw new IllegalArgumentError(`${name}: ${String(value)} (expected: an integer)`)
  return value
}
