import { checkNonNegativeInteger, IllegalArgumentError } from '@knotty/common'
import { ByteBuf } from './byte-buf.js'
import { CompositeByteBuf, DEFAULT_MAX_COMPONENTS } from './composite-byte-buf.js'
import { UNLIMITED_CAPACITY } from './new-capacity.js'

/** Capacity of a buffer that was given none. Netty: DEFAULT_INITIAL_CAPACITY. */
export const DEFAULT_INITIAL_CAPACITY = 256

/**
 * Makes the buffers of a channel (`channel.alloc`). This one takes each buffer's memory from the garbage collector; a
 * PooledByteBufAllocator uses memory again.
 */
export class ByteBufAllocator {
  /** What Unpooled uses. */
  static readonly DEFAULT: ByteBufAllocator = new ByteBufAllocator()

  /**
   * A new empty buffer of `initialCapacity` zero bytes (256) that grows to `maxCapacity` bytes at most (2147483647 = no limit); the
   * caller owns it. An {@link IllegalArgumentError} for a negative capacity, or an initial one above the maximum.
   */
  buffer(initialCapacity: number = DEFAULT_INITIAL_CAPACITY, maxCapacity: number = UNLIMITED_CAPACITY): ByteBuf {
    checkCapacities(initialCapacity, maxCapacity)
    return ByteBuf.allocate(initialCapacity, maxCapacity)
  }

  /**
   * A new {@link CompositeByteBuf} without components; the caller owns it. With more than `maxNumComponents` (16) components they are
   * copied into one, in memory of this allocator. An {@link IllegalArgumentError} for a maximum below 1.
   */
  compositeBuffer(maxNumComponents: number = DEFAULT_MAX_COMPONENTS): CompositeByteBuf {
    return CompositeByteBuf.create(maxNumComponents, this)
  }
}

/** An {@link IllegalArgumentError} for a negative capacity, or an initial one above the maximum. */
export function checkCapacities(initialCapacity: number, maxCapacity: number): void {
  checkNonNegativeInteger(initialCapacity, 'initialCapacity')
  checkNonNegativeInteger(maxCapacity, 'maxCapacity')
  if (initialCapacity > maxCapacity || maxCapacity > UNLIMITED_CAPACITY) {
    const expected = `initialCapacity <= maxCapacity <= ${UNLIMITED_CAPACITY}`
    throw new IllegalArgumentError(`initialCapacity: ${initialCapacity}, maxCapacity: ${maxCapacity} (expected: ${expected})`)
  }
}
