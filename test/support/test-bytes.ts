import { createHash } from 'node:crypto'

/** `length` bytes in which each differs from its neighbours in a way that depends on `seed`. */
export function bytesOf(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0, value = seed * 7919 + 1; index < length; index++) {
    value = (Math.imul(value, 1103515245) + 12345) >>> 0
    bytes[index] = value >>> 16
  }
  return bytes
}

/** The hash of bytes, to compare megabytes with. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
