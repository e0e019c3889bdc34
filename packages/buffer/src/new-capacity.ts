/** The largest `maxCapacity`, and the one of buffers without a limit. Netty: Integer.MAX_VALUE. */
export const UNLIMITED_CAPACITY = 0x7fffffff

const THRESHOLD_BYTES = 4 * 1024 * 1024

/**
 * The capacity a buffer grows to that needs `minCapacity` bytes: powers of two from 64 on, steps of 4 MiB above 4 MiB, never more
 * than `maxCapacity`. Netty: AbstractByteBufAllocator.calculateNewCapacity.
 */
export function calculateNewCapacity(minCapacity: number, maxCapacity: number): number {
  if (minCapacity === THRESHOLD_BYTES) return Math.min(THRESHOLD_BYTES, maxCapacity)
  if (minCapacity > THRESHOLD_BYTES) {
    const steps = Math.floor(minCapacity / THRESHOLD_BYTES) * THRESHOLD_BYTES
    return Math.min(steps + THRESHOLD_BYTES, maxCapacity)
  }
  let capacity = 64
  while (capacity < minCapacity) capacity *= 2
  return Math.min(capacity, maxCapacity)
}
