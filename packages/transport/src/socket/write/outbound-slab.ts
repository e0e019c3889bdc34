import type { ByteBuf } from '@knotty/buffer'

/** One piece of memory that small writes are gathered in. */
interface Slab {
  readonly bytes: Buffer
  /** Where in `bytes` it begins. */
  readonly base: number
  /** Write requests under way that point into it. */
  pins: number
}

/** A place for a slab: its bytes from `base` on. */
export interface SlabMemory {
  readonly bytes: Buffer
  readonly base: number
}

/** At most so many used-up slabs are kept for reuse: one flush gathers 1 MiB. */
const MAX_FREE_SLABS = 16

/**
 * The memory of one event loop that small messages are copied into before they are written: a bump allocator over slabs.
 *
 *     0 ────────────── position ──────────────── size
 *     [ pinned ranges │ this gather │ free       ]
 *
 * What a synchronous write used is given back at once, so an event loop whose peers keep up uses the first bytes of one slab for
 * ever. A write that goes asynchronous keeps just its range, by pinning the slab and leaving `position` behind the range. A new
 * slab is taken only when the old one is used up; a slab whose last pin goes is used again. (Retiring a whole slab of
 * 64 KiB for each asynchronous write would let 400 stalled peers pin 25 MiB; test/transport/flush-cost.test.ts holds them below 1.)
 */
export class OutboundSlabs {
  private readonly size: number
  private readonly onNewSlab: () => void
  /** Memory for the first slab, until it is made. */
  private firstMemory: SlabMemory | undefined
  private readonly free: Slab[] = []
  private current: Slab | undefined = undefined
  private position = 0
  /** Where this gather began. */
  private firstSlab: Slab | undefined = undefined
  private firstPosition = 0
  /** Where the chunk being gathered begins, in the present slab. */
  private chunkStart = 0
  /** The view that was made last, and where it lies. */
  private lastChunk: Buffer | undefined = undefined
  private lastSlab: Slab | undefined = undefined
  private lastStart = 0
  private lastLength = 0
  /** The slabs this gather has used up. */
  private usedUp: Slab[] = []

  /**
   * @param size of a slab, in bytes
   * @param firstMemory so many bytes for the first slab; without it, it is allocated like the others
   */
  constructor(size: number, onNewSlab: () => void, firstMemory?: SlabMemory) {
    this.size = size
    this.onNewSlab = onNewSlab
    this.firstMemory = firstMemory
  }

  /** Starts a gather. */
  begin(): void {
    this.firstSlab = this.current
    this.firstPosition = this.position
    this.chunkStart = this.position
  }

  /** The present slab has room for so many bytes, or for as many as a whole slab has. */
  hasRoomFor(bytes: number): boolean {
    return this.current !== undefined && this.size - this.position >= Math.min(bytes, this.size)
  }

  /** Bytes left in the present slab. */
  get room(): number {
    return this.size - this.position
  }

  /** The present slab is used up: goes on in another one. What was gathered in it must have been taken with {@link take}. */
  nextSlab(): void {
    if (this.current !== undefined && this.position > (this.current === this.firstSlab ? this.firstPosition : 0)) {
      this.usedUp.push(this.current)
    }
    let slab = this.free.pop()
    if (slab === undefined) {
      const { bytes, base } = this.firstMemory ?? { bytes: Buffer.allocUnsafeSlow(this.size), base: 0 }
      this.firstMemory = undefined
      slab = { bytes, base, pins: 0 }
      this.onNewSlab()
    }
    this.current = slab
    this.position = 0
    this.chunkStart = 0
  }

  /** Where the next bytes go: the present slab's memory, from {@link offset}. */
  get memory(): Buffer {
    return (this.current as Slab).bytes
  }

  get offset(): number {
    return (this.current as Slab).base + this.position
  }

  /** Copies a buffer of `bytes` readable bytes to {@link offset} and advances; false when the present slab has not enough room. */
  putWhole(buf: ByteBuf, bytes: number): boolean {
    const slab = this.current
    if (slab === undefined || this.size - this.position < bytes) return false
    buf.copyReadableTo(slab.bytes, slab.base + this.position)
    this.position += bytes
    return true
  }

  /** Puts the `bytes` (1 to 4) low bytes of `value` at {@link offset}, the most significant first, and advances. There must be room. */
  putInt(value: number, bytes: number): void {
    const { bytes: memory, base } = this.current as Slab
    let at = base + this.position
    if (bytes === 4) memory[at++] = value >>> 24
    if (bytes >= 3) memory[at++] = value >>> 16
    if (bytes >= 2) memory[at++] = value >>> 8
    memory[at] = value
    this.position += bytes
  }

  /** `bytes` were put at {@link offset}. */
  advance(bytes: number): void {
    this.position += bytes
  }

  /** What was gathered in the present slab since {@link begin} or the last call, as one chunk; undefined when nothing was. */
  take(): Buffer | undefined {
    if (this.position === this.chunkStart) return undefined
    const slab = this.current as Slab
    const start = slab.base + this.chunkStart
    const length = this.position - this.chunkStart
    this.chunkStart = this.position
    // Peers that keep up get the same range of the same slab again and again: a new view takes some 50 ns and leaves garbage. Where it lies is
    // remembered here: asking the view takes another 20 ns (npm run bench -- outbound-path).
    if (this.lastChunk !== undefined && length === this.lastLength && start === this.lastStart && slab === this.lastSlab) return this.lastChunk
    this.lastChunk = slab.bytes.subarray(start, start + length)
    this.lastSlab = slab
    this.lastStart = start
    this.lastLength = length
    return this.lastChunk
  }

  /** The write was synchronous, or failed at once: everything gathered since {@link begin} is free again. */
  giveBack(): void {
    const first = this.usedUp[0]
    if (first !== undefined) {
      if (this.current !== undefined) this.recycle(this.current)
      for (const slab of this.usedUp) if (slab !== first) this.recycle(slab)
      this.usedUp = []
      this.current = first
    }
    this.position = this.current === this.firstSlab ? this.firstPosition : 0
  }

  /** The write went asynchronous: the slabs it points into, to be given to {@link unpin} when it has completed. */
  pin(): Slab[] {
    const slabs = this.usedUp
    this.usedUp = []
    const before = this.current === this.firstSlab ? this.firstPosition : 0
    if (this.current !== undefined && this.position > before) slabs.push(this.current)
    for (const slab of slabs) slab.pins++
    return slabs
  }

  unpin(slabs: readonly Slab[]): void {
    for (const slab of slabs) {
      if (--slab.pins > 0) continue
      if (slab === this.current) this.position = 0
      else this.recycle(slab)
    }
  }

  private recycle(slab: Slab): void {
    if (slab.pins === 0 && this.free.length < MAX_FREE_SLABS) this.free.push(slab)
  }
}

/** What {@link OutboundSlabs.pin} gives. */
export type PinnedSlabs = readonly Slab[]
