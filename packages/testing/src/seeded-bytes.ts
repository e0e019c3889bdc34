import { Buffer } from 'node:buffer'
import { checkNonNegativeInteger } from '@knotty/common'

/** `length` bytes that look random and are the same for the same seed: a byte lost, doubled or moved shows. */
export function seededBytes(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(checkNonNegativeInteger(length, 'length'))
  let value = seed * 7919 + 1
  for (let index = 0; index < length; index++) {
    // the linear congruential generator of ANSI C; its higher bits are the better ones
    value = (Math.imul(value, 1103515245) + 12345) >>> 0
    bytes[index] = value >>> 16
  }
  return bytes
}
