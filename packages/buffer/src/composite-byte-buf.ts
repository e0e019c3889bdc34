import { inspect } from 'node:util'
import { checkPositiveInteger, IllegalArgumentError, IllegalStateError, IndexOutOfBoundsError } from '@knotty/common'
import { ByteBuf } from './byte-buf.js'
import type { ByteBufAllocator } from './byte-buf-allocator.js'
import { type Component, CompositeStorage, isComposite, releaseAll } from './composite-storage.js'
import { CompositeView } from './composite-view.js'
import { IllegalReferenceCountError } from './errors.js'
import { inspectByteBuf } from './inspect-byte-buf.js'
import { UNLIMITED_CAPACITY } from './new-capacity.js'

/** Netty: AbstractByteBufAllocator.DEFAULT_MAX_COMPONENTS. */
export const DEFAULT_MAX_COMPONENTS = 16

/**
 * A buffer made of others, its components, without copying them: one message that leaves a socket as several chunks of one write.
 *
 *     component 0        component 1                    component 2
 *     [ header ]         [ body ....................... ][ trailer ]
 *     0         5        5                             300         308 = capacity
 *
 * A component is what was readable when it was added; its reference goes over to the composite, which releases it when it is removed,
 * read and discarded, or with the composite's own last release. When adding throws, the buffer is released too; when no memory is there to
 * consolidate, nothing of that call stays added. Components keep sharing their bytes with whoever else has them.
 *
 * Writing beyond the last component adds one of the allocator's memory (padding; of zeros when that zeroes it). With more than
 * {@link maxNumComponents} components all are copied into one. Everything else is a ByteBuf's; slices and duplicates are views of the whole
 * and share its count. Made by {@link Unpooled.compositeBuffer} and {@link ByteBufAllocator.compositeBuffer}.
 *
 * Positions in the list are called `cIndex`; an IndexOutOfBoundsError when there is no such component.
 */
export class CompositeByteBuf extends CompositeView {
  private constructor(maxNumComponents: number, alloc: ByteBufAllocator) {
    const allocate = (length: number): ByteBuf => alloc.buffer(length, length).setIndex(0, length)
    super(new CompositeStorage(maxNumComponents, allocate), 0, 0, 0, UNLIMITED_CAPACITY, false, UNLIMITED_CAPACITY)
  }

  /**
   * A composite without components, which takes padding and what it consolidates into from `alloc`. An {@link IllegalArgumentError} unless
   * the maximum is 1 or more. Internal: see {@link ByteBufAllocator.compositeBuffer}.
   */
  static create(maxNumComponents: number, alloc: ByteBufAllocator): CompositeByteBuf {
    return new CompositeByteBuf(checkPositiveInteger(maxNumComponents, 'maxNumComponents'), alloc)
  }

  /** With more components than this they are consolidated into one. */
  get maxNumComponents(): number {
    return this.storage.maxNumComponents
  }

  /** How many components there are, empty ones included. */
  get numComponents(): number {
    return this.storage.components.length
  }

  /** Adds the readable bytes of `buffer` as the last component. writerIndex stays: see the form with `increaseWriterIndex`. */
  addComponent(buffer: ByteBuf): this
  /** The same, and with `increaseWriterIndex` the writerIndex moves by the bytes added, so that they can be read. */
  addComponent(increaseWriterIndex: boolean, buffer: ByteBuf): this
  /** The same before the component at `cIndex`, or at the end. */
  addComponent(cIndex: number, buffer: ByteBuf): this
  addComponent(increaseWriterIndex: boolean, cIndex: number, buffer: ByteBuf): this
  addComponent(...args: readonly (boolean | number | ByteBuf)[]): this {
    const { increase, cIndex, rest } = placeOf(args)
    return this.addAll(increase, cIndex, rest.length === 1 ? rest : [undefined, ...rest])
  }

  /** Adds several buffers as {@link addComponent} does; when one cannot be added, those behind it are released as well. */
  addComponents(...buffers: readonly ByteBuf[]): this
  addComponents(increaseWriterIndex: boolean, ...buffers: readonly ByteBuf[]): this
  addComponents(cIndex: number, ...buffers: readonly ByteBuf[]): this
  addComponents(increaseWriterIndex: boolean, cIndex: number, ...buffers: readonly ByteBuf[]): this
  addComponents(...args: readonly (boolean | number | ByteBuf)[]): this {
    const { increase, cIndex, rest } = placeOf(args)
    return this.addAll(increase, cIndex, rest)
  }

  /**
   * Adds the readable bytes of `buffer` at the end, of a composite or a view of one as its components (retained; empty ones are left
   * out) instead of as one, read-only when the view is. The caller's reference to `buffer` goes over in any case.
   */
  addFlattenedComponents(increaseWriterIndex: boolean, buffer: ByteBuf): this {
    if (!ByteBuf.isByteBuf(buffer)) throw notABuffer(buffer)
    const { storage } = buffer
    if (buffer.refCnt > 0 && !buffer.isReadable) {
      buffer.release()
      return this
    }
    if (buffer.refCnt === 0 || !isComposite(storage)) return this.addComponent(increaseWriterIndex, buffer)
    const parts: ByteBuf[] = []
    try {
      buffer.slice() // throws, before anything is retained, when a component is gone
      const start = buffer.offset + buffer.readerIndex
      const end = start + buffer.readableBytes
      for (let position = storage.positionOf(start); position < storage.components.length; position++) {
        const component = storage.components[position]!
        const { buffer: part, from } = component
        const first = Math.max(start, component.start)
        const length = Math.min(end, component.end) - first
        if (length === 0) continue
        const slice = part.retainedSlice(from + first - component.start - part.offset, length)
        parts.push(buffer.isReadOnly ? slice.asReadOnly() : slice)
      }
    } finally {
      buffer.release()
    }
    return this.addAll(increaseWriterIndex, undefined, parts)
  }

  /** Removes and releases a component. The bytes behind it move forward; the indexes stay, as in Netty: set them yourself. */
  removeComponent(cIndex: number): this {
    return this.removeComponents(cIndex, 1)
  }

  /** Removes and releases `count` components from `cIndex` on. */
  removeComponents(cIndex: number, count: number): this {
    this.checkAccessible()
    this.checkComponents(cIndex, count)
    releaseAll(this.storage.remove(cIndex, count))
    return this
  }

  /** Copies all components into one. */
  consolidate(): this
  /** Copies `count` components from `cIndex` on into one. */
  consolidate(cIndex: number, count: number): this
  consolidate(cIndex = 0, count: number = this.numComponents): this {
    this.checkAccessible()
    this.checkComponents(cIndex, count)
    this.storage.consolidate(cIndex, count)
    return this
  }

  /** Releases the components that are read to their end; indexes and marks follow. Copies nothing. */
  discardReadComponents(): this {
    this.checkAccessible()
    const { dropped, bytes } = this.dropReadComponents()
    if (bytes > 0) this.lowerIndexes(bytes)
    releaseAll(dropped)
    return this
  }

  /** As {@link discardReadComponents}, and the first component left loses its read bytes: readerIndex is 0 then. Copies nothing. */
  override discardReadBytes(): this {
    this.checkAccessible()
    const read = this.reader
    if (read === 0) return this
    const { dropped, bytes } = this.dropReadComponents()
    if (bytes < read) this.storage.trimFirst(read - bytes)
    this.lowerIndexes(read)
    releaseAll(dropped)
    return this
  }

  /** {@link discardReadComponents}. */
  override discardSomeReadBytes(): this {
    return this.discardReadComponents()
  }

  /** A duplicate, not retained, of the buffer as it was added: it also has the bytes that the composite has discarded or cut off. */
  component(cIndex: number): ByteBuf {
    this.checkAccessible()
    this.checkComponents(cIndex, 1)
    return this.storage.components[cIndex]!.buffer.duplicate()
  }

  /** {@link component} of the one that holds the byte at `offset`. */
  componentAtOffset(offset: number): ByteBuf {
    return this.component(this.toComponentIndex(offset))
  }

  /** A slice, not retained, with exactly the bytes that the composite has of a component. */
  internalComponent(cIndex: number): ByteBuf {
    this.checkAccessible()
    this.checkComponents(cIndex, 1)
    return this.sliceOf(cIndex)
  }

  /** {@link internalComponent} of the one that holds the byte at `offset`. */
  internalComponentAtOffset(offset: number): ByteBuf {
    return this.sliceOf(this.toComponentIndex(offset))
  }

  /** The position of the component that holds the byte at `offset`. An IndexOutOfBoundsError outside 0..capacity - 1. */
  toComponentIndex(offset: number): number {
    this.atRange(offset, 1)
    return this.storage.positionOf(offset)
  }

  /** The index at which a component begins. */
  toByteIndex(cIndex: number): number {
    this.checkComponents(cIndex, 1)
    return this.storage.components[cIndex]!.start
  }

  /** Views, not retained, of the parts of components that make up `length` bytes at `offset`. */
  decompose(offset: number, length: number): ByteBuf[] {
    this.atRange(offset, length)
    if (length === 0) return []
    const end = offset + length
    const parts: ByteBuf[] = []
    for (let position = this.storage.positionOf(offset), next = offset; next < end; position++) {
      const { start, end: componentEnd } = this.storage.components[position]!
      const stop = Math.min(end, componentEnd)
      parts.push(this.sliceOf(position).slice(next - start, stop - next))
      next = stop
    }
    return parts
  }

  /** The components in order, as {@link internalComponent} gives them. An {@link IllegalStateError} when their number changes meanwhile. */
  *[Symbol.iterator](): Generator<ByteBuf, void, undefined> {
    const count = this.numComponents
    for (let cIndex = 0; cIndex < count; cIndex++) {
      if (this.numComponents !== count) {
        throw new IllegalStateError(`numComponents: ${this.numComponents} (it was ${count} when the iteration began)`)
      }
      yield this.internalComponent(cIndex)
    }
  }

  protected override describe(): string {
    if (this.refCnt === 0) return 'CompositeByteBuf(released)'
    return `CompositeByteBuf(ridx: ${this.reader}, widx: ${this.writer}, cap: ${this.capacity}, components: ${this.numComponents})`
  }

  private addAll(increaseWriterIndex: boolean, cIndex: number | undefined, buffers: readonly unknown[]): this {
    let added = 0
    const before = this.numComponents
    const { writer } = this
    try {
      this.checkAccessible()
      let position = cIndex ?? before
      if (position >>> 0 !== position || position > before) {
        throw new IndexOutOfBoundsError(`cIndex: ${String(position)} (expected: 0 <= cIndex <= numComponents(${before}))`)
      }
      for (const buffer of buffers) {
        this.addOne(position++, buffer)
        added++
        if (increaseWriterIndex) this.writer += (buffer as ByteBuf).readableBytes
      }
    } catch (error) {
      for (const buffer of buffers.slice(added)) if (ByteBuf.isByteBuf(buffer) && buffer.refCnt > 0) buffer.release()
      throw error
    }
    try {
      this.storage.consolidateIfNeeded()
    } catch (error) {
      if (this.numComponents === before + added) {
        const taken = this.storage.remove(cIndex ?? before, added)
        this.writer = writer
        releaseAll(taken)
      }
      throw error
    }
    return this
  }

  private addOne(position: number, buffer: unknown): void {
    if (!ByteBuf.isByteBuf(buffer)) throw notABuffer(buffer)
    const { storage, readableBytes } = buffer
    if (buffer.refCnt === 0) throw new IllegalReferenceCountError('refCnt: 0 (of a buffer to be added as a component)')
    if (storage.includes(this.storage)) {
      throw new IllegalArgumentError('buffer: a view of this composite, or a composite that has it as a component, cannot be its component')
    }
    if (this.capacity + readableBytes > UNLIMITED_CAPACITY) {
      throw new IllegalArgumentError(`capacity: ${this.capacity} + ${readableBytes} (expected: at most ${UNLIMITED_CAPACITY})`)
    }
    buffer.slice() // throws when its memory has shrunk
    this.storage.insert(position, buffer, buffer.offset + buffer.readerIndex, readableBytes)
  }

  /** Takes out the components that are read, all when everything is read and nothing can be written, and tells their bytes. */
  private dropReadComponents(): { readonly dropped: Component[]; readonly bytes: number } {
    const { components } = this.storage
    const read = this.reader
    let count = 0
    if (read > 0 && read === this.writer && read === this.capacity) count = components.length
    else if (read > 0) while (count < components.length && components[count]!.end <= read) count++
    const bytes = count === 0 ? 0 : components[count - 1]!.end
    return { dropped: count === 0 ? [] : this.storage.remove(0, count), bytes }
  }

  private sliceOf(cIndex: number): ByteBuf {
    const { buffer, from, start, end } = this.storage.components[cIndex]!
    return buffer.slice(from - buffer.offset, end - start)
  }

  private checkComponents(cIndex: number, count: number): void {
    if (cIndex >>> 0 === cIndex && count >>> 0 === count && cIndex + count <= this.numComponents) return
    const expected = `0 <= cIndex, cIndex + count <= numComponents(${this.numComponents})`
    throw new IndexOutOfBoundsError(`cIndex: ${String(cIndex)}, count: ${String(count)} (expected: ${expected})`)
  }

  static {
    Object.defineProperty(this.prototype, inspect.custom, {
      value(this: CompositeByteBuf): string {
        return inspectByteBuf(this, `CompositeByteBuf(${this.numComponents})`)
      },
    })
  }
}

/** The optional `increaseWriterIndex` and `cIndex` in front of buffers. */
function placeOf(args: readonly unknown[]): { increase: boolean; cIndex: number | undefined; rest: readonly unknown[] } {
  let next = 0
  const increase = typeof args[next] === 'boolean' && args[next++] === true
  const cIndex = typeof args[next] === 'number' ? (args[next++] as number) : undefined
  return { increase, cIndex, rest: args.slice(next) }
}

function notABuffer(value: unknown): IllegalArgumentError {
  return new IllegalArgumentError(`buffer: ${value === null ? 'null' : typeof value} (expected: a ByteBuf)`)
}
