import { Buffer } from 'node:buffer'
import { checkPositiveInteger, shown } from '@knotty/common'
import { copyBytes } from './copy-bytes.js'
import { IllegalReferenceCountError } from './errors.js'
import type { PooledPiece } from './pooled-memory.js'
import { ResourceLeakDetector } from './resource-leak-detector.js'

const NO_BYTES = Buffer.alloc(0)
const MAX_REF_CNT = 0x7fffffff
const MAX_HINT_LENGTH = 200

/** `length` zero bytes that nobody else sees. */
export function allocateBytes(length: number): Buffer {
  return length === 0 ? NO_BYTES : Buffer.alloc(length)
}

/**
 * One piece of memory and its reference count, shared by all views on it. Views go through it at each access and keep no Buffer, so
 * `bytes` and `base` may be re-pointed while they live; their indexes stay right.
 *
 *     bytes  |........|#########################|......|
 *            0        base                      base + capacity
 *
 * Internal to Knotty's packages. A Storage is never pooled itself: a reused one could not tell a stale view.
 */
export class Storage {
  /** Of {@link ByteBuf}s without memory. Its count stays 1 whatever is released. */
  static readonly EMPTY: Storage = new Storage(NO_BYTES, 0, 0, false)

  /** The memory; re-pointed by {@link moveOut} and {@link resize}, empty once the last reference is gone. */
  bytes: Buffer
  /** Index in `bytes` of the first byte that belongs to this storage. */
  base: number
  /** Bytes that belong to it; 0 once the last reference is gone, so that one comparison finds bad indexes and stale views alike. */
  capacity: number
  /** References that are out; starts at 1. */
  refCnt: number
  /**
   * True while the memory is borrowed from an event loop's read slab and must be copied to outlive the read. A release leaves it as
   * it is: the transport counts the chunks that were moved out.
   */
  slab: boolean
  /** The piece of a pool that `bytes` are; undefined for all other memory, once released, and when somebody keeps the bytes. */
  piece: PooledPiece | undefined
  /** Somebody keeps the bytes that are there now ({@link handOut}): who owns the storage must not move others over them. */
  kept: boolean

  constructor(bytes: Buffer, base: number, capacity: number, slab: boolean, piece: PooledPiece | undefined = undefined) {
    this.bytes = bytes
    this.base = base
    this.capacity = capacity
    this.refCnt = 1
    this.slab = slab
    this.piece = piece
    this.kept = false
  }

  /** Makes the memory one that stays: borrowed bytes are copied once, a pooled piece is taken from its pool. All views stay right. */
  moveOut(): void {
    if (this.slab) return this.resize(this.capacity)
    const piece = this.dropPiece()
    piece?.pool.giveUp(piece)
  }

  /** {@link moveOut}, for somebody who keeps the bytes for ever, whatever becomes of the storage. */
  handOut(): void {
    this.moveOut()
    this.kept = true
  }

  /**
   * Changes to `capacity` bytes: what fits of the old content, then zeros. Of pooled memory a larger piece is taken when need be, and
   * what follows the old content is not zeroed.
   */
  resize(capacity: number): void {
    if (this.piece !== undefined) return this.resizePiece(this.piece, capacity)
    const kept = Math.min(capacity, this.capacity)
    const bytes = allocateBytes(capacity)
    copyBytes(this.bytes, this.base, bytes, 0, kept)
    this.bytes = bytes
    this.base = 0
    this.capacity = capacity
    this.slab = false
    this.kept = false
  }

  /** Adds references. An {@link IllegalReferenceCountError} when all were released or the count would overflow. */
  retain(increment: number): void {
    checkPositiveInteger(increment, 'increment')
    if (this === Storage.EMPTY) return
    if (this.refCnt === 0 || this.refCnt + increment > MAX_REF_CNT) {
      const why = this.refCnt === 0 ? ' (the buffer was released before)' : ''
      throw new IllegalReferenceCountError(`refCnt: ${this.refCnt}, increment: ${increment}${why}`)
    }
    this.refCnt += increment
    this.piece?.leak?.seen('retain()', this.retain)
  }

  /** Takes references back; with the last one the memory is dropped and true returned. */
  release(decrement: number): boolean {
    checkPositiveInteger(decrement, 'decrement')
    if (this === Storage.EMPTY) return false
    if (decrement > this.refCnt) throw tooManyReleases(this.refCnt, decrement)
    this.refCnt -= decrement
    if (this.refCnt > 0) {
      this.piece?.leak?.seen('release()', this.release)
      return false
    }
    const piece = this.dropPiece()
    piece?.pool.giveBack(piece)
    this.bytes = NO_BYTES
    this.base = 0
    this.capacity = 0
    return true
  }

  /** True when `other` is this memory, or that of a component however deep. */
  includes(other: Storage): boolean {
    return other === this
  }

  /** The memory was seen by somebody. */
  touch(hint: unknown): void {
    const record = this.piece?.leak
    if (record?.accesses !== undefined) record.seen(`touch(${hintText(hint)})`, this.touch)
  }

  private resizePiece(piece: PooledPiece, capacity: number): void {
    if (capacity > piece.bytes.length) {
      const larger = piece.pool.take(capacity)
      copyBytes(piece.bytes, 0, larger.bytes, 0, this.capacity)
      larger.leak = piece.leak
      piece.leak = undefined
      this.piece = larger
      this.bytes = larger.bytes
      piece.pool.giveBack(piece)
    }
    this.capacity = capacity
  }

  /** From now on the memory is not this storage's to give back. */
  private dropPiece(): PooledPiece | undefined {
    const piece = this.piece
    if (piece === undefined) return undefined
    this.piece = undefined
    if (piece.leak === undefined) return piece
    ResourceLeakDetector.closed(piece.leak)
    piece.leak = undefined
    return piece
  }
}

/** A hint as the leak detector shows it: cut off when it is long, and whatever the hint's own toString does. */
function hintText(hint: unknown): string {
  if (hint === undefined) return ''
  try {
    return shown(hint).slice(0, MAX_HINT_LENGTH)
  } catch {
    return typeof hint
  }
}

/** Who took the last reference is not known here, but who does as a rule is. */
function tooManyReleases(refCnt: number, decrement: number): IllegalReferenceCountError {
  const why = refCnt === 0 ? ' (the buffer was released before: by this code, or by the write() or the next handler that it was given to)' : ''
  return new IllegalReferenceCountError(`refCnt: ${refCnt}, decrement: ${decrement}${why}`)
}
