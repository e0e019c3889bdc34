import { Buffer } from 'node:buffer'
import { IndexOutOfBoundsError } from '@knotty/common'
import type { ByteBuf } from './byte-buf.js'
import { copyBytes } from './copy-bytes.js'
import { IllegalReferenceCountError, ReadOnlyBufferError } from './errors.js'
import { allocateBytes, Storage } from './storage.js'

/** Where a number lies for a moment that crosses the border of two components. Eight bytes are the longest. */
const SCRATCH = Buffer.alloc(8)

/** One buffer of a composite: the bytes that were readable when it was added. */
export interface Component {
  /** As it was given; its one reference is the composite's. */
  readonly buffer: ByteBuf
  /** Where the component's first byte lies, counted from the base of the buffer's storage. */
  from: number
  /** Where it lies in the composite. */
  start: number
  /** Index in the composite behind its last byte. */
  end: number
}

/** Bytes of one piece of memory: `length` from `at` on in `storage.bytes`. Valid until anything else happens. */
export interface Piece {
  readonly storage: Storage
  readonly at: number
  readonly length: number
}

/**
 * The memory of a composite buffer, which lies in its components, and their list.
 *
 *     composite   0 .......... 5 ............ 12 ... 14
 *     components  [ start, end )[ start, end )[      )        end of one = start of the next; empty ones are legal
 *                      |
 *                      from in buffer.storage, wherever that has its bytes now
 *
 * All views of the composite share it. `bytes` is a cursor here: {@link focus} points it at the memory that holds the next access, and
 * nobody uses what an earlier one left in it. So components may be moved out of a read slab, grown or consolidated at any time.
 * `base` is always 0, `capacity` the end of the last component (0 once released), so that the checks of plain buffers hold unchanged.
 */
export class CompositeStorage extends Storage {
  readonly components: Component[] = []
  /** With more than so many they are consolidated into one. */
  readonly maxNumComponents: number
  /** Which component the last access fell into; where to look first. */
  private last = 0
  /** Index in the composite of the first byte of {@link SCRATCH}, while `bytes` is it. */
  private scratchIndex = 0
  /** The composite among the components that the last access went to; undefined when it went to a plain one, or across a border. */
  private inner: CompositeStorage | undefined = undefined
  /** Makes the buffers that padding and consolidation need: `length` bytes, all of them readable. */
  private readonly allocate: (length: number) => ByteBuf

  constructor(maxNumComponents: number, allocate: (length: number) => ByteBuf) {
    super(allocateBytes(0), 0, 0, false)
    this.maxNumComponents = maxNumComponents
    this.allocate = allocate
  }

  /** Bytes of all components, also once released. */
  get length(): number {
    return this.components.at(-1)?.end ?? 0
  }

  /** Puts the readable bytes of `buffer`, whose reference it takes, at `position` of the list. All checks have been made. */
  insert(position: number, buffer: ByteBuf, from: number, length: number): void {
    this.components.splice(position, 0, { buffer, from, start: 0, end: length })
    this.changedFrom(position)
  }

  /** Takes `count` components out, to be given to {@link releaseAll} once the indexes are right: that may throw. */
  remove(position: number, count: number): Component[] {
    const removed = this.components.splice(position, count)
    this.changedFrom(position)
    return removed
  }

  /** Copies `count` components into one. Changes nothing when there is no memory, or a component is gone. */
  consolidate(position: number, count: number): void {
    if (count <= 1) return
    const start = this.components[position]!.start
    const length = this.components[position + count - 1]!.end - start
    this.checkRange(start, length, false)
    const buffer = this.allocate(length)
    this.copyOut(start, buffer.storage.bytes, buffer.storage.base, length)
    const replaced = this.components.splice(position, count, { buffer, from: 0, start, end: start + length })
    this.changedFrom(position)
    releaseAll(replaced)
  }

  /** More components than are allowed become one. */
  consolidateIfNeeded(): void {
    if (this.components.length > this.maxNumComponents) this.consolidate(0, this.components.length)
  }

  /** Cuts `length` bytes off the front of the first component. */
  trimFirst(length: number): void {
    const first = this.components[0]
    if (first === undefined) return
    first.from += length
    first.end -= length
    this.changedFrom(0)
  }

  /** A new component is added, or components and a part of one are dropped from the end. */
  override resize(capacity: number): void {
    if (capacity > this.capacity) {
      const length = capacity - this.capacity
      this.insert(this.components.length, this.allocate(length), 0, length)
      this.consolidateIfNeeded()
      return
    }
    let kept = this.components.length
    while (kept > 0 && this.components[kept - 1]!.start >= capacity) kept--
    if (kept > 0) this.components[kept - 1]!.end = capacity
    releaseAll(this.remove(kept, this.components.length - kept))
  }

  /** Moves every component out of a slab. */
  override moveOut(): void {
    for (const { buffer } of this.components) buffer.storage.moveOut()
  }

  /** All components were seen. */
  override touch(hint: unknown): void {
    for (const { buffer } of this.components) buffer.touch(hint)
  }

  override release(decrement: number): boolean {
    const last = super.release(decrement)
    if (last) releaseAll(this.components)
    return last
  }

  override includes(other: Storage): boolean {
    return other === this || this.components.some(({ buffer: { storage } }) => storage.includes(other))
  }

  /** Position of the component with the byte at `index`, which is within 0..capacity - 1; empty components have none. */
  positionOf(index: number): number {
    const { components } = this
    const recent = components[this.last]
    if (recent !== undefined && index >= recent.start && index < recent.end) return this.last
    let low = 0
    let high = components.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (components[middle]!.end <= index) low = middle + 1
      else high = middle
    }
    this.last = low
    return low
  }

  /**
   * Points `bytes` at memory with the bytes from `index` on, 1 to 8 of them and within capacity, and gives the place of the first: in the
   * component that has them all, or in a copy when they cross a border. After a change of such a copy call {@link writeBack}.
   */
  focus(index: number, length: number, change: boolean): number {
    const component = this.components[this.positionOf(index)]!
    this.inner = undefined
    if (index + length > component.end) {
      this.checkRange(index, length, change)
      this.copyOut(index, SCRATCH, 0, length)
      this.bytes = SCRATCH
      this.scratchIndex = index
      return 0
    }
    checkComponent(component, change)
    const { storage } = component.buffer
    let at = component.from + index - component.start
    if (isComposite(storage)) {
      this.inner = storage
      at = storage.focus(at, length, change)
    } else at += storage.base
    this.bytes = storage.bytes
    return at
  }

  /** `length` bytes at `at` of `bytes` were changed: when that is the copy, they go to where they belong. */
  writeBack(at: number, length: number): void {
    if (this.inner !== undefined) this.inner.writeBack(at, length)
    else if (this.bytes === SCRATCH) this.copyIn(this.scratchIndex + at, SCRATCH, at, length)
  }

  /** Throws unless all bytes of a range within capacity can be read, or changed. */
  checkRange(index: number, length: number, change: boolean): void {
    if (length === 0) return
    const end = index + length
    for (let position = this.positionOf(index); position < this.components.length; position++) {
      const component = this.components[position]!
      if (component.start >= end) return
      checkComponent(component, change)
      const { storage } = component.buffer
      if (!(isComposite(storage))) continue
      const first = Math.max(index, component.start)
      storage.checkRange(component.from + first - component.start, Math.min(end, component.end) - first, change)
    }
  }

  /** The memory of a range within capacity, in order. */
  *pieces(index: number, length: number): Generator<Piece, void, undefined> {
    const end = index + length
    for (let next = index, position = this.positionOf(index); next < end; position++) {
      const component = this.components[position]!
      const part = Math.min(component.end, end) - next
      if (part === 0) continue
      const { storage } = component.buffer
      const inside = component.from + next - component.start
      if (isComposite(storage)) yield* storage.pieces(inside, part)
      else yield { storage, at: storage.base + inside, length: part }
      next += part
    }
  }

  copyOut(index: number, target: Buffer, targetStart: number, length: number): void {
    let to = targetStart
    for (const piece of this.pieces(index, length)) {
      copyBytes(piece.storage.bytes, piece.at, target, to, piece.length)
      to += piece.length
    }
  }

  copyIn(index: number, source: Buffer, sourceStart: number, length: number): void {
    let from = sourceStart
    for (const piece of this.pieces(index, length)) {
      copyBytes(source, from, piece.storage.bytes, piece.at, piece.length)
      from += piece.length
    }
  }

  /** Components from `position` on have other neighbours: their indexes follow. Forgets the cursor, which may be on one that is gone. */
  private changedFrom(position: number): void {
    let start = position === 0 ? 0 : this.components[position - 1]!.end
    for (let i = position; i < this.components.length; i++) {
      const component = this.components[i]!
      component.end += start - component.start
      component.start = start
      start = component.end
    }
    this.capacity = this.length
    this.inner = undefined
    this.bytes = allocateBytes(0)
  }
}

/** Also one of another copy of this package. */
export function isComposite(storage: Storage): storage is CompositeStorage {
  return 'components' in storage
}

/** Components share their buffers with whoever added them: they may be released once too often, shrink, or be read-only. */
function checkComponent({ buffer, from, start, end }: Component, change: boolean): void {
  const { storage } = buffer
  if (from + end - start > storage.capacity) {
    if (storage.refCnt === 0) throw new IllegalReferenceCountError(`refCnt: 0 (of the component at ${start}..${end})`)
    throw new IndexOutOfBoundsError(`the memory below the component at ${start}..${end} has shrunk to ${storage.capacity} bytes`)
  }
  if (change && buffer.isReadOnly) throw new ReadOnlyBufferError(`the component at ${start}..${end} is read-only`)
}

/** All are released, whatever one of them throws; the first error is thrown then. */
export function releaseAll(components: readonly Component[]): void {
  const errors: unknown[] = []
  for (const { buffer } of components) {
    try {
      buffer.release()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
