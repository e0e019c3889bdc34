import { Buffer } from 'node:buffer'
import { ByteBuf } from './byte-buf.js'
import { type ByteBufBytes, checkArrayRange, type UnsafePart } from './byte-buf-bytes.js'
import { findByte } from './byte-buf-search.js'
import type { CompositeStorage, Piece } from './composite-storage.js'
import { UNLIMITED_CAPACITY } from './new-capacity.js'
import { decodeText, encodeText, maxEncodedBytes } from './text.js'

/**
 * A view of the memory of several components: the accessors of a ByteBuf, also across borders. Numbers go through the storage's cursor
 * ({@link CompositeStorage.focus}), bytes in bulk go piece by piece. What the single-range methods call a place (`at`) is a place in
 * `storage.bytes` as ever; what {@link atRange} gives is the index in the composite.
 */
export class CompositeView extends ByteBuf {
  declare readonly storage: CompositeStorage

  override get isContiguous(): boolean {
    return false
  }

  /** As in Netty, the capacity does not become 0 with the last release. */
  override get capacity(): number {
    return this.limit < UNLIMITED_CAPACITY ? this.limit : this.storage.length
  }

  protected override newView(offset: number, reader: number, writer: number, limit: number, readOnly: boolean): ByteBuf {
    return new CompositeView(this.storage, offset, reader, writer, limit, readOnly, this.storageMax)
  }

  protected override at(index: number, length: number): number {
    return this.storage.focus(super.at(index, length), length, false)
  }

  protected override atForSet(index: number, length: number): number {
    return this.storage.focus(super.atForSet(index, length), length, true)
  }

  protected override atRange(index: number, length: number): number {
    this.checkAccessible()
    if (length >>> 0 !== length) throw this.accessError(index, length)
    const start = super.at(index, length)
    this.storage.checkRange(start, length, false)
    return start
  }

  protected override atRangeForSet(index: number, length: number): number {
    this.checkAccessible()
    if (length >>> 0 !== length) throw this.accessError(index, length, true)
    const start = super.atForSet(index, length)
    this.storage.checkRange(start, length, true)
    return start
  }

  protected override take(length: number): number {
    const index = this.reader
    const start = super.take(length)
    this.reader = index // it stays there when the component throws
    const at = this.storage.focus(start, length, false)
    this.reader = index + length
    return at
  }

  protected override put(length: number): number {
    const index = this.writer
    const start = super.put(length)
    this.writer = index
    const at = this.storage.focus(start, length, true)
    this.writer = index + length
    return at
  }

  // These six read `storage.bytes` before they ask for the place.

  override getBoolean(index: number): boolean {
    return this.getUnsignedByte(index) !== 0
  }

  override getByte(index: number): number {
    return (this.getUnsignedByte(index) << 24) >> 24
  }

  override getUnsignedByte(index: number): number {
    const at = this.at(index, 1)
    return this.storage.bytes[at]!
  }

  override readBoolean(): boolean {
    return this.readUnsignedByte() !== 0
  }

  override readByte(): number {
    return (this.readUnsignedByte() << 24) >> 24
  }

  override readUnsignedByte(): number {
    const at = this.take(1)
    return this.storage.bytes[at]!
  }

  // All stores of more than one byte end in one of these.

  protected override store16(at: number, value: number): void {
    super.store16(at, value)
    this.storage.writeBack(at, 2)
  }

  protected override store24(at: number, value: number): void {
    super.store24(at, value)
    this.storage.writeBack(at, 3)
  }

  protected override store32(at: number, value: number): void {
    super.store32(at, value)
    this.storage.writeBack(at, 4)
  }

  protected override store16LE(at: number, value: number): void {
    super.store16LE(at, value)
    this.storage.writeBack(at, 2)
  }

  protected override store24LE(at: number, value: number): void {
    super.store24LE(at, value)
    this.storage.writeBack(at, 3)
  }

  protected override store32LE(at: number, value: number): void {
    super.store32LE(at, value)
    this.storage.writeBack(at, 4)
  }

  protected override copyOut(at: number, target: Buffer, targetStart: number, length: number): void {
    this.storage.copyOut(at, target, targetStart, length)
  }

  protected override copyIn(at: number, source: Buffer, sourceStart: number, length: number): void {
    this.storage.copyIn(at, source, sourceStart, length)
  }

  protected override copyAcross(at: number, target: ByteBufBytes, targetAt: number, length: number): void {
    if (target.storage === this.storage) {
      // the ranges may overlap, and pieces would overwrite what later ones still have to read
      this.copyIn(targetAt, this.copied(at, length), 0, length)
      return
    }
    let to = targetAt
    for (const piece of this.storage.pieces(at, length)) {
      this.storage.bytes = piece.storage.bytes
      super.copyAcross(piece.at, target, to, piece.length)
      to += piece.length
    }
  }

  protected override fillZero(at: number, length: number): void {
    for (const piece of this.storage.pieces(at, length)) piece.storage.bytes.fill(0, piece.at, piece.at + piece.length)
  }

  protected override moveReadableToStart(): void {
    const length = this.writer - this.reader
    const bytes = this.copied(this.atRange(this.reader, length), length)
    this.copyIn(this.atRangeForSet(0, length), bytes, 0, length)
  }

  override copyReadableTo(target: Buffer, targetStart: number): number {
    const length = this.writer - this.reader
    checkArrayRange(target, targetStart, length)
    this.copyOut(this.atRange(this.reader, length), target, targetStart, length)
    return length
  }

  override getCharSequence(index: number, length: number, encoding: BufferEncoding = 'utf8'): string {
    return decodeText(encoding, this.bytesOf(index, length), 0, length)
  }

  override setCharSequence(index: number, text: string, encoding: BufferEncoding = 'utf8'): number {
    const reserved = maxEncodedBytes(text, encoding)
    const at = this.atRangeForSet(index, reserved)
    const encoded = Buffer.allocUnsafe(reserved)
    const length = encodeText(text, encoding, encoded, 0)
    this.copyIn(at, encoded, 0, length)
    return length
  }

  protected override findFirst(index: number, length: number, value: number): number {
    let before = 0
    for (const piece of this.storage.pieces(this.atRange(index, length), length)) {
      const place = findByte(piece.storage.bytes, piece.at, piece.at + piece.length, value)
      if (place >= 0) return before + place - piece.at
      before += piece.length
    }
    return -1
  }

  protected override findLast(index: number, length: number, value: number): number {
    return this.bytesOf(index, length).lastIndexOf(value)
  }

  override hashCode(): number {
    return ByteBuf.wrap(this.unsafeBuffer()).hashCode()
  }

  /**
   * The readable bytes as a Buffer to keep as long as you like: over the same memory (moved out of a read slab first) when they lie in
   * one component, a copy otherwise.
   */
  override asBuffer(): Buffer {
    const piece = this.onlyPiece(this.reader, this.writer - this.reader)
    piece?.storage.handOut()
    return this.unsafeBuffer()
  }

  /**
   * The readable bytes as a Buffer: over the same memory, and so valid only until the handler returns, when they lie in one component, a
   * copy otherwise. {@link unsafeBuffers} never copies.
   */
  override unsafeBuffer(): Buffer {
    return this.bytesOf(this.reader, this.writer - this.reader)
  }

  override *unsafeParts(): Generator<UnsafePart, void, undefined> {
    const length = this.writer - this.reader
    for (const piece of this.storage.pieces(this.atRange(this.reader, length), length)) {
      yield { bytes: bufferOf(piece), storage: piece.storage }
    }
  }

  /** The bytes of a range: in place when they lie in one component. */
  private bytesOf(index: number, length: number): Buffer {
    const piece = this.onlyPiece(index, length)
    return piece === undefined ? this.copied(this.atRange(index, length), length) : bufferOf(piece)
  }

  /** The memory of a range that lies in one component and is not empty; undefined otherwise. */
  private onlyPiece(index: number, length: number): Piece | undefined {
    const { value } = this.storage.pieces(this.atRange(index, length), length).next()
    return value !== undefined && value.length === length ? value : undefined
  }

  private copied(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    this.copyOut(at, bytes, 0, length)
    return bytes
  }
}

function bufferOf({ storage, at, length }: Piece): Buffer {
  return storage.bytes.subarray(at, at + length)
}
