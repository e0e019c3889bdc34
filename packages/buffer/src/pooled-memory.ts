import { Buffer } from 'node:buffer'
import type { LeakRecord } from './leak-record.js'

/** Bytes of the smallest pieces; each further class is twice as large. The initial capacity of a buffer that was given none. */
const MIN_PIECE_BYTES = 256
/**
 * Classes of 256 bytes to 2 MiB: frames of 1 MiB, a usual limit, have a header too (1,221 us a message without this class, 41 with it:
 * npm run bench -- --filter message-size). Buffers above that get memory that is not pooled: zeroing or copying it costs more than making it.
 */
const CLASSES = 14
const POISON = 0xdd

/**
 * One piece of memory that a pool lends to one storage at a time. It goes back with the storage's last release, unless bytes of it were
 * handed to somebody who keeps them: then it is left to the garbage collector.
 */
export class PooledPiece {
  readonly bytes: Buffer
  readonly pool: MemoryPool
  /** The index of its size; {@link CLASSES} when it is too large to be pooled. */
  readonly sizeClass: number
  /** Write requests under way that point into it. Given back meanwhile it is not used again: the kernel may still read it. */
  lent = 0
  /** Of the storage that has it now, when the leak detector watches that one. */
  leak: LeakRecord | undefined = undefined

  constructor(bytes: Buffer, pool: MemoryPool, sizeClass: number) {
    this.bytes = bytes
    this.pool = pool
    this.sizeClass = sizeClass
  }
}

/**
 * Pieces of memory in sizes of powers of two, used again last in, first out: a stack of idle pieces for each size.
 *
 *     256 B   [ piece piece piece ]  ◄── take, giveBack
 *     512 B   [ piece ]
 *     …
 *     2 MiB   [ ]
 *
 * Only idle pieces are referenced from here. One that is never given back is collected together with the buffer that had it, and one
 * that is given back while a write request points into it is left to the collector as well.
 */
export class MemoryPool {
  /** Bytes of the pieces that are out. */
  usedBytes = 0
  /** Bytes of the idle pieces. */
  idleBytes = 0
  /** Pieces asked for so far, and how many of these were idle ones. */
  taken = 0
  reused = 0
  private readonly maxIdleBytes: number
  private readonly poison: boolean
  private readonly idle: PooledPiece[][] = Array.from({ length: CLASSES }, () => [])

  /**
   * @param maxIdleBytes how much is kept for later; what is given back beyond that is left to the garbage collector
   * @param poison overwrite what is given back with 0xDD
   */
  constructor(maxIdleBytes: number, poison: boolean) {
    this.maxIdleBytes = maxIdleBytes
    this.poison = poison
  }

  /** A piece of at least `bytes` bytes, with whatever its last user left in it. */
  take(bytes: number): PooledPiece {
    this.taken++
    const sizeClass = classOf(bytes)
    const piece = sizeClass < CLASSES ? this.idle[sizeClass]!.pop() : undefined
    if (piece !== undefined) {
      this.reused++
      this.idleBytes -= piece.bytes.length
      this.usedBytes += piece.bytes.length
      return piece
    }
    // Zeroed once: what other parts of the process had in this memory is not for the users of the pool.
    const fresh = Buffer.alloc(sizeClass < CLASSES ? MIN_PIECE_BYTES << sizeClass : bytes)
    this.usedBytes += fresh.length
    return new PooledPiece(fresh, this, sizeClass)
  }

  /** The storage does not use the piece any more. */
  giveBack(piece: PooledPiece): void {
    const length = piece.bytes.length
    this.usedBytes -= length
    if (piece.lent > 0) return
    if (this.poison) piece.bytes.fill(POISON)
    if (piece.sizeClass === CLASSES || (this.idleBytes + length > this.maxIdleBytes && !this.makeRoom(piece.sizeClass, length))) return
    this.idleBytes += length
    this.idle[piece.sizeClass]!.push(piece)
  }

  /** Somebody keeps bytes of the piece: it is his from now on, and the garbage collector's. */
  giveUp(piece: PooledPiece): void {
    this.usedBytes -= piece.bytes.length
  }

  /** Drops idle pieces of the size that has most of the memory, so that a burst of one size does not keep the others out for ever. */
  private makeRoom(sizeClass: number, bytes: number): boolean {
    if (bytes > this.maxIdleBytes) return false
    while (this.idleBytes + bytes > this.maxIdleBytes) {
      let largest = sizeClass
      for (let each = 0; each < CLASSES; each++) if (this.idleOf(each) > this.idleOf(largest)) largest = each
      if (largest === sizeClass) return false
      this.idleBytes -= this.idle[largest]!.pop()!.bytes.length
    }
    return true
  }

  private idleOf(sizeClass: number): number {
    return this.idle[sizeClass]!.length * (MIN_PIECE_BYTES << sizeClass)
  }
}

function classOf(bytes: number): number {
  return bytes <= MIN_PIECE_BYTES ? 0 : Math.min(24 - Math.clz32(bytes - 1), CLASSES)
}
