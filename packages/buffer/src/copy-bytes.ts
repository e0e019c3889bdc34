import type { Buffer } from 'node:buffer'

/** Up to this length a byte loop beats the built-in copy (benchmarks/prototype/byte-buf.mjs, part 2). */
const LOOP_COPY_MAX_BYTES = 48

/**
 * Copies `length` bytes; the caller has checked both ranges. Source and target may overlap, as in memmove.
 */
export function copyBytes(source: Buffer, sourceStart: number, target: Buffer, targetStart: number, length: number): void {
  if (length <= LOOP_COPY_MAX_BYTES && (source !== target || targetStart <= sourceStart)) {
    for (let i = 0; i < length; i++) target[targetStart + i] = source[sourceStart + i]!
  } else {
    source.copy(target, targetStart, sourceStart, sourceStart + length)
  }
}
