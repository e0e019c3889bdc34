import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { ByteBuf, ByteBufUtil, type CompositeByteBuf, Storage, Unpooled } from '@knotty/buffer'
import { seededBytes } from '@knotty/testing'

const BYTES = seededBytes(24, 5)
type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>
const on = (buffer: ByteBuf): Methods => buffer as unknown as Methods

/** All of BYTES, cut at the given places. */
function cutAt(...places: readonly number[]): CompositeByteBuf {
  const composite = Unpooled.compositeBuffer(64)
  let start = 0
  for (const place of [...places, BYTES.length]) {
    composite.addComponent(true, Unpooled.copiedBuffer(BYTES.subarray(start, place)))
    start = place
  }
  return composite
}

/** Every way to cut: at each place, at each two places with up to 8 bytes between them, around each byte. */
function* allCuts(): Generator<CompositeByteBuf> {
  for (let first = 0; first <= BYTES.length; first++) {
    for (let second = first; second <= Math.min(first + 8, BYTES.length); second++) yield cutAt(first, second)
  }
  yield cutAt(...Array.from({ length: BYTES.length }, (_, place) => place))
  const nested = Unpooled.compositeBuffer().addComponents(true, Unpooled.copiedBuffer(BYTES.subarray(0, 3)), cutAt(3, 5, 6).skipBytes(3))
  yield Unpooled.compositeBuffer().addComponents(true, nested.readSlice(7), nested)
}

const WIDTHS: Readonly<Record<string, number>> = {
  Boolean: 1, Byte: 1, UnsignedByte: 1, Short: 2, ShortLE: 2, UnsignedShort: 2, UnsignedShortLE: 2, Char: 2, Medium: 3, MediumLE: 3,
  UnsignedMedium: 3, UnsignedMediumLE: 3, Int: 4, IntLE: 4, UnsignedInt: 4, UnsignedIntLE: 4, Float: 4, FloatLE: 4, Long: 8, LongLE: 8,
  UnsignedLong: 8, UnsignedLongLE: 8, Double: 8, DoubleLE: 8,
}

describe('the numbers of a composite', () => {
  for (const [type, width] of Object.entries(WIDTHS)) {
    test(`get${type} and read${type} give what a plain buffer gives, whatever border they cross`, () => {
      const flat = Unpooled.wrappedBuffer(BYTES)
      for (const composite of allCuts()) {
        for (let index = 0; index <= BYTES.length - width; index++) {
          const expected = on(flat)[`get${type}`]!(index)
          assert.deepEqual(on(composite)[`get${type}`]!(index), expected)
          composite.readerIndex = index
          assert.deepEqual(on(composite)[`read${type}`]!(), expected)
          assert.equal(composite.readerIndex, index + width)
        }
      }
    })

    if (type.startsWith('Unsigned')) continue
    test(`set${type} and write${type} change what a plain buffer changes, whatever border they cross`, () => {
      for (const composite of allCuts()) {
        for (let index = 0; index <= BYTES.length - width; index++) {
          for (const method of ['set', 'write']) {
            const flat = Unpooled.copiedBuffer(BYTES)
            composite.setBytes(0, BYTES)
            for (const buffer of [composite, flat]) {
              if (method === 'set') on(buffer)[`set${type}`]!(index, 1234567)
              else on(buffer.setIndex(0, index))[`write${type}`]!(1234567)
            }
            assert.equal(ByteBufUtil.hexDump(composite, 0, BYTES.length), ByteBufUtil.hexDump(flat, 0, BYTES.length))
            assert.equal(composite.writerIndex, flat.writerIndex)
            composite.setIndex(0, BYTES.length)
          }
        }
      }
    })
  }

  test('move no index when the component that holds them was released by somebody else', () => {
    const composite = cutAt(3)
    composite.component(1).release()
    composite.setIndex(2, 2)
    assert.throws(() => composite.writeInt(1), { name: 'IllegalReferenceCountError' })
    assert.equal(composite.writerIndex, 2)
    composite.writerIndex = 24
    assert.throws(() => composite.readInt(), { name: 'IllegalReferenceCountError' })
    assert.equal(composite.readerIndex, 2)
    assert.equal(composite.readUnsignedByte(), BYTES[2])
    assert.throws(() => composite.readByte(), { name: 'IllegalReferenceCountError' })
    assert.throws(() => composite.getBytes(0, Buffer.alloc(20)), { name: 'IllegalReferenceCountError' })
    assert.throws(() => composite.slice(0, 4), { name: 'IllegalReferenceCountError' })
    assert.match(inspect(composite), /CompositeByteBuf\(2\) ridx: 3/)
    const before = Buffer.alloc(3)
    composite.getBytes(0, before)
    assert.deepEqual(before, BYTES.subarray(0, 3))
    assert.equal(composite.indexOf(0, 3, BYTES[2]!), 2)
  })

  test('are found missing also when the component is one of a component', () => {
    const inner = cutAt(4, 8)
    const outer = Unpooled.compositeBuffer().addComponents(true, Unpooled.copiedBuffer(BYTES), inner)
    inner.component(1).release()
    assert.throws(() => outer.getBytes(0, Buffer.alloc(40)), { name: 'IllegalReferenceCountError' })
    assert.throws(() => outer.getByte(29), { name: 'IllegalReferenceCountError' })
    assert.deepEqual(outer.slice(20, 8).unsafeBuffer(), Buffer.concat([BYTES.subarray(20), BYTES.subarray(0, 4)]))
    const shrunk = cutAt(4)
    outer.addComponent(true, shrunk)
    shrunk.setCapacity(2)
    assert.throws(() => outer.getByte(48), { name: 'IndexOutOfBoundsError', message: /has shrunk to 2 bytes/ })
  })

  test('do not reach beyond a component whose memory has shrunk', () => {
    const below = Unpooled.copiedBuffer(BYTES)
    const composite = Unpooled.compositeBuffer().addComponents(true, below.retainedSlice(4, 8), Unpooled.copiedBuffer(BYTES))
    below.setCapacity(6)
    assert.throws(() => composite.getByte(0), { name: 'IndexOutOfBoundsError', message: /has shrunk to 6 bytes/ })
    assert.throws(() => composite.setLong(4, 0), { name: 'IndexOutOfBoundsError' })
    assert.throws(() => composite.unsafeBuffer(), { name: 'IndexOutOfBoundsError' })
    assert.equal(composite.getUnsignedByte(8), BYTES[0])
  })

  test('are not written into a read-only component, nor halfway up to one', () => {
    const composite = Unpooled.compositeBuffer().addComponents(true, Unpooled.buffer(4).writeZero(4), Unpooled.wrappedBuffer(BYTES).asReadOnly())
    for (const change of [
      () => composite.setInt(2, -1),
      () => composite.setByte(5, 1),
      () => composite.setBytes(0, Buffer.alloc(8, 1)),
      () => composite.setZero(2, 8),
      () => composite.setCharSequence(1, 'abcdefgh', 'latin1'),
      () => composite.setIndex(0, 3).writeShort(-1),
    ]) {
      assert.throws(change, { name: 'ReadOnlyBufferError' })
    }
    assert.equal(composite.getInt(0), 0)
    assert.equal(composite.writerIndex, 3)
  })
})

describe('the bytes of a composite', () => {
  test('are copied in one go to a place that overlaps them', () => {
    const composite = cutAt(5, 9)
    const flat = Unpooled.copiedBuffer(BYTES)
    for (const buffer of [composite, flat]) buffer.setBytes(3, buffer, 0, 15).setBytes(1, buffer.duplicate(), 6, 12)
    assert.ok(composite.equals(flat))
  })

  test('are one Buffer over the same memory when they lie in one component, and a copy when not', () => {
    const composite = cutAt(8)
    composite.setIndex(1, 8)
    const view = composite.unsafeBuffer()
    composite.setByte(1, 77)
    assert.equal(view[0], 77)
    composite.setIndex(1, 9)
    const copy = composite.unsafeBuffer()
    composite.setByte(1, 78)
    assert.equal(copy[0], 77)
    assert.equal(copy.length, 8)
    assert.equal(composite.setIndex(3, 3).unsafeBuffer().length, 0)
  })

  test('are one Buffer a component that has some, never copied', () => {
    const composite = cutAt(8, 8, 16)
    composite.skipBytes(2)
    const parts = [...composite.unsafeBuffers()]
    assert.deepEqual(parts.map((part) => part.length), [6, 8, 8])
    parts[1]![0] = 99
    assert.equal(composite.getByte(8), 99)
    assert.deepEqual([...Unpooled.compositeBuffer().unsafeBuffers()], [])
    assert.deepEqual([...Unpooled.wrappedBuffer(BYTES).unsafeBuffers()], [BYTES])
    assert.deepEqual([...Unpooled.EMPTY_BUFFER.unsafeBuffers()], [])
  })

  test('asked for with asBuffer() stay right when the slab below them is used again', () => {
    const slab = Buffer.concat([BYTES, BYTES])
    const chunks = [0, 24].map((base) => ByteBuf.overStorage(new Storage(slab, base, 24, true)))
    const composite = Unpooled.compositeBuffer().addComponents(true, ...chunks)
    const one = composite.readSlice(10).asBuffer()
    assert.deepEqual(chunks.map(({ storage }) => storage.slab), [false, true])
    const both = composite.asBuffer()
    assert.equal(chunks[1]!.storage.slab, true)
    composite.storage.moveOut()
    slab.fill(0xdd)
    assert.deepEqual(one, BYTES.subarray(0, 10))
    assert.deepEqual(both, Buffer.concat([BYTES.subarray(10), BYTES]))
    assert.deepEqual(composite.unsafeBuffer(), both)
  })

  test('follow a component that is moved out of its slab', () => {
    const slab = Buffer.from(BYTES)
    const chunk = ByteBuf.overStorage(new Storage(slab, 8, 16, true))
    const composite = Unpooled.compositeBuffer().addComponents(true, Unpooled.copiedBuffer(BYTES.subarray(0, 8)), chunk)
    const view = composite.slice(6, 6)
    assert.equal(view.getInt(2), BYTES.readInt32BE(8))
    chunk.storage.moveOut()
    slab.fill(0xdd)
    assert.deepEqual(composite.unsafeBuffer(), BYTES)
    assert.equal(view.getInt(2), BYTES.readInt32BE(8))
    view.setInt(0, 7)
    assert.equal(composite.getInt(6), 7)
    assert.deepEqual(slab, Buffer.alloc(24, 0xdd))
  })
})

describe('a view of a composite', () => {
  test('shares its count, and throws after the last release', () => {
    const composite = cutAt(4)
    const views = [composite.slice(2, 6), composite.duplicate(), composite.asReadOnly(), composite.retainedSlice()]
    for (const view of views) {
      assert.equal(view.refCnt, 2)
      assert.equal(view.isContiguous, false)
      assert.ok(ByteBuf.isByteBuf(view))
    }
    assert.equal(views[3]!.release(), false)
    assert.equal(views[0]!.release(), true)
    for (const view of [composite, ...views]) {
      for (const use of [
        () => view.getByte(0),
        () => view.readInt(),
        () => view.setInt(0, 1),
        () => view.writeByte(1),
        () => view.copy(),
        () => view.slice(),
        () => view.unsafeBuffer(),
        () => [...view.unsafeBuffers()],
        () => view.copyReadableTo(Buffer.alloc(24), 0),
        () => view.toString('utf8'),
        () => view.retain(),
        () => view.release(),
      ]) {
        assert.throws(use, { name: 'IllegalReferenceCountError' })
      }
    }
  })

  test('that is read-only takes no change', () => {
    const view = cutAt(4).asReadOnly()
    assert.equal(view.isReadOnly, true)
    assert.equal(view.isWritable, false)
    for (const change of [() => view.setLong(0, 1), () => view.setBytes(0, BYTES), () => view.setZero(0, 5), () => view.discardReadBytes()]) {
      assert.throws(change, { name: 'ReadOnlyBufferError' })
    }
  })

  test('compacts in place, as any buffer does', () => {
    const composite = cutAt(4, 10)
    const view = composite.duplicate().skipBytes(6)
    view.discardReadBytes()
    assert.deepEqual([view.readerIndex, view.writerIndex, view.capacity], [0, 18, 24])
    assert.deepEqual(view.unsafeBuffer(), BYTES.subarray(6))
  })
})
