import process from 'node:process'
import { checkNonNegativeInteger, checkOptions } from '@knotty/common'
import { ByteBuf } from './byte-buf.js'
import { ByteBufAllocator, checkCapacities, DEFAULT_INITIAL_CAPACITY } from './byte-buf-allocator.js'
import { UNLIMITED_CAPACITY } from './new-capacity.js'
import { MemoryPool } from './pooled-memory.js'
import { ResourceLeakDetector } from './resource-leak-detector.js'
import { Storage } from './storage.js'

/** Settings of a {@link PooledByteBufAllocator}. */
export interface PooledByteBufAllocatorOptions {
  /** How many bytes that no buffer uses are kept for later, at most (4194304). With 0 nothing is pooled. */
  readonly maxPooledBytes?: number
  /** Overwrite memory that comes back with 0xDD, so that a view kept by mistake shows (KNOTTY_POISON_SLAB=1, else false). */
  readonly poison?: boolean
}

/** Figures of a {@link PooledByteBufAllocator}, as they are at the moment. */
export interface PooledByteBufAllocatorMetric {
  /** Bytes of memory that buffers have now. Those of buffers that were lost without a release count for ever. */
  readonly usedBytes: number
  /** Bytes of memory that wait for the next buffer; at most `maxPooledBytes`. */
  readonly pooledBytes: number
  /** Pieces of memory that were asked for so far: one a buffer, and one each time a buffer outgrows its piece. */
  readonly allocations: number
  /** How many of these had been used before. */
  readonly reuses: number
}

const DEFAULT_MAX_POOLED_BYTES = 4 * 1024 * 1024

/**
 * Makes buffers whose memory is used again when their last reference is released: for what is written, encoded and released again
 * within moments. Netty: PooledByteBufAllocator.
 *
 * Memory comes in pieces of powers of two from 256 bytes to 2 MiB. A buffer grows within its piece without a copy, then takes a larger
 * one and gives the old one back; above 2 MiB its memory is the garbage collector's. Only memory is pooled: a buffer, and each view of
 * it, throws an IllegalReferenceCountError after the last release, whoever has the memory then.
 *
 * As in Netty, and unlike `Unpooled.buffer`, **a new buffer is not zeroed**: its writable bytes are what an earlier buffer left there.
 * Nobody sees them who writes before he moves writerIndex.
 *
 * A forgotten release costs the piece: the pool does not know it any more and the garbage collector takes it. `asBuffer()` gives the
 * piece up in the same way, so its result may be kept for ever. What `unsafeBuffer()` gives is valid until the buffer is released or grows.
 */
export class PooledByteBufAllocator extends ByteBufAllocator {
  /** The allocator of channels that were not given one (ChannelOption.ALLOCATOR): one for each thread. */
  static override readonly DEFAULT: PooledByteBufAllocator = new PooledByteBufAllocator()

  private readonly pool: MemoryPool

  /** An IllegalArgumentError for a negative `maxPooledBytes`. */
  constructor(options: PooledByteBufAllocatorOptions = {}) {
    super()
    checkOptions(options, 'new PooledByteBufAllocator({ maxPooledBytes })')
    const maxPooledBytes = checkNonNegativeInteger(options.maxPooledBytes ?? DEFAULT_MAX_POOLED_BYTES, 'maxPooledBytes')
    this.pool = new MemoryPool(maxPooledBytes, options.poison ?? process.env['KNOTTY_POISON_SLAB'] === '1')
  }

  get metric(): PooledByteBufAllocatorMetric {
    const { usedBytes, idleBytes, taken, reused } = this.pool
    return { usedBytes, pooledBytes: idleBytes, allocations: taken, reuses: reused }
  }

  /**
   * A new empty buffer of `initialCapacity` bytes (256), which are not zeroed. It grows to `maxCapacity` bytes at most (2147483647 = no
   * limit); the caller owns it. An IllegalArgumentError for a negative capacity, or an initial one above the maximum.
   */
  override buffer(initialCapacity: number = DEFAULT_INITIAL_CAPACITY, maxCapacity: number = UNLIMITED_CAPACITY): ByteBuf {
    checkCapacities(initialCapacity, maxCapacity)
    const piece = this.pool.take(initialCapacity)
    const storage = new Storage(piece.bytes, 0, initialCapacity, false, piece)
    ResourceLeakDetector.allocated(storage, this.buffer)
    return ByteBuf.emptyOver(storage, maxCapacity)
  }
}
