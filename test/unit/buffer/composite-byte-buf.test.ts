import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { ByteBuf, ByteBufAllocator, ByteBufUtil, CompositeByteBuf, PooledByteBufAllocator, Unpooled } from '@knotty/buffer'

const text = (value: string): ByteBuf => Unpooled.copiedBuffer(value, 'latin1')
const contentOf = (buffer: ByteBuf): string => buffer.toString('latin1')
const partsOf = (composite: CompositeByteBuf): string[] => [...composite].map(contentOf)

describe('adding a component', () => {
  test('leaves writerIndex unless told to move it', () => {
    const composite = Unpooled.compositeBuffer()
    composite.addComponent(text('abc'))
    assert.deepEqual([composite.writerIndex, composite.capacity, composite.numComponents], [0, 3, 1])
    composite.addComponent(true, text('de'))
    assert.deepEqual([composite.writerIndex, composite.capacity, composite.numComponents], [2, 5, 2])
    composite.addComponent(0, text('x')).addComponent(true, 1, text('y')).addComponent(false, 4, text('z'))
    assert.deepEqual(partsOf(composite), ['x', 'y', 'abc', 'de', 'z'])
    assert.equal(composite.writerIndex, 3)
  })

  test('takes what was readable then, whatever happens to the indexes of the buffer later', () => {
    const buffer = text('abcdef').skipBytes(1)
    const composite = Unpooled.compositeBuffer().addComponent(true, buffer)
    buffer.skipBytes(3).writeByte(33)
    assert.equal(contentOf(composite), 'bcdef')
    buffer.setByte(1, 'B'.charCodeAt(0))
    assert.equal(contentOf(composite), 'Bcdef')
  })

  test('several at once keeps their order', () => {
    const composite = Unpooled.compositeBuffer()
    composite.addComponents(true, text('a'), text('b')).addComponents(1, text('x'), text('y')).addComponents(false, 0, text('0')).addComponents(text('z'))
    assert.deepEqual(partsOf(composite), ['0', 'a', 'x', 'y', 'b', 'z'])
    assert.equal(composite.writerIndex, 2)
  })

  test('beyond maxNumComponents copies all into one and releases them', () => {
    const composite = Unpooled.compositeBuffer(3)
    const buffers = ['a', 'b', 'c', 'd'].map(text)
    for (const buffer of buffers.slice(0, 3)) composite.addComponent(true, buffer)
    assert.equal(composite.numComponents, 3)
    composite.addComponent(true, buffers[3]!)
    assert.deepEqual(partsOf(composite), ['abcd'])
    assert.deepEqual(buffers.map(({ refCnt }) => refCnt), [0, 0, 0, 0])
    assert.equal(composite.maxNumComponents, 3)
    assert.equal(Unpooled.compositeBuffer().maxNumComponents, 16)
  })

  test('that fails releases the buffer, and those behind it', () => {
    const composite = Unpooled.compositeBuffer().addComponent(true, text('kept'))
    const [a, b, c, d, e] = [text('a'), text('b'), text('c'), text('d'), text('e')]
    assert.throws(() => composite.addComponent(true, 2, a!), { name: 'IndexOutOfBoundsError', message: /cIndex: 2 .*numComponents\(1\)/ })
    assert.throws(() => composite.addComponent(-1, b!), { name: 'IndexOutOfBoundsError' })
    const released = text('r')
    released.release()
    assert.throws(() => composite.addComponents(true, c!, released, d!), { name: 'IllegalReferenceCountError' })
    assert.throws(() => composite.addComponent(released), { name: 'IllegalReferenceCountError' })
    assert.deepEqual([a, b, c, d].map((buffer) => buffer!.refCnt), [0, 0, 1, 0])
    assert.equal(contentOf(composite), 'keptc')
    composite.release()
    assert.throws(() => composite.addComponent(true, e!), { name: 'IllegalReferenceCountError' })
    assert.equal(e!.refCnt, 0)
    assert.equal(c!.refCnt, 0)
  })

  test('refuses what is no buffer, and a composite that would contain itself', () => {
    const composite = Unpooled.compositeBuffer().addComponent(true, text('a'))
    for (const wrong of [Buffer.from('a'), 'a', null, undefined]) {
      assert.throws(() => composite.addComponent(true, wrong as unknown as ByteBuf), { name: 'IllegalArgumentError', message: /buffer: .*expected: a ByteBuf/ })
      assert.throws(() => composite.addFlattenedComponents(true, wrong as unknown as ByteBuf), { name: 'IllegalArgumentError' })
    }
    assert.throws(() => composite.addComponent(...([true] as unknown as [ByteBuf])), { name: 'IllegalArgumentError' })
    assert.throws(() => composite.addComponent(composite.retainedSlice()), { name: 'IllegalArgumentError' })
    const outer = Unpooled.compositeBuffer().addComponent(true, Unpooled.compositeBuffer().addComponent(true, composite))
    assert.throws(() => composite.addComponent(outer.retain()), { name: 'IllegalArgumentError' })
    assert.deepEqual([composite.refCnt, outer.refCnt], [1, 1])
    assert.equal(outer.release(), true)
    assert.equal(composite.refCnt, 0)
  })

  test('refuses more than 2^31 - 1 bytes in all, and releases what it refuses', () => {
    const mebibyte = Unpooled.buffer(1 << 20).setIndex(0, 1 << 20)
    const composite = Unpooled.compositeBuffer(4096)
    for (let index = 0; index < 2047; index++) composite.addComponent(true, mebibyte.retainedSlice())
    const message = 'capacity: 2146435072 + 1048576 (expected: at most 2147483647)'
    assert.throws(() => composite.addComponent(true, mebibyte.retainedSlice()), { name: 'IllegalArgumentError', message })
    assert.equal(mebibyte.refCnt, 2048)
    composite.addComponent(true, mebibyte.retainedSlice(0, (1 << 20) - 1))
    assert.equal(composite.writerIndex, 2147483647)
    assert.throws(() => composite.writeByte(1), { name: 'IndexOutOfBoundsError' })
    composite.release()
    assert.equal(mebibyte.refCnt, 1)
  })

  test('flattened shares the components of a composite or of a view of one, without empty ones', () => {
    const inner = Unpooled.compositeBuffer().addComponents(true, text('abc'), text(''), text('def'), text('ghi'))
    const [first, , third, fourth] = Array.from({ length: 4 }, (_, i) => inner.component(i))
    const outer = Unpooled.compositeBuffer().addFlattenedComponents(true, inner.retain().skipBytes(1))
    outer.addFlattenedComponents(true, inner.slice(4, 3).retain())
    outer.addFlattenedComponents(true, text('plain')).addFlattenedComponents(false, text(''))
    assert.deepEqual(partsOf(outer), ['bc', 'def', 'ghi', 'ef', 'g', 'plain'])
    assert.equal(inner.release(), true)
    assert.deepEqual([first, third, fourth].map((buffer) => buffer!.refCnt), [1, 2, 2])
    assert.equal(contentOf(outer), 'bcdefghiefgplain')
    outer.release()
    assert.deepEqual([first, third, fourth].map((buffer) => buffer!.refCnt), [0, 0, 0])
  })

  test('flattened that fails takes nothing and releases the buffer', () => {
    const inner = Unpooled.compositeBuffer().addComponents(true, text('abc'), text('def'))
    const [first, second] = [inner.component(0), inner.component(1)]
    second.release()
    const outer = Unpooled.compositeBuffer()
    assert.throws(() => outer.addFlattenedComponents(true, inner.retain()), { name: 'IllegalReferenceCountError' })
    assert.deepEqual([outer.numComponents, inner.refCnt, first.refCnt], [0, 1, 1])
    inner.removeComponent(0)
    assert.throws(() => outer.addFlattenedComponents(true, inner.retain()), { name: 'IndexOutOfBoundsError' })
    const gone = Unpooled.compositeBuffer().addComponent(true, text('abc').retain())
    gone.release()
    assert.throws(() => outer.addFlattenedComponents(true, gone), { name: 'IllegalReferenceCountError' })
    assert.equal(outer.numComponents, 0)
  })
})

describe('the components of a composite', () => {
  const abc = (): CompositeByteBuf => Unpooled.compositeBuffer().addComponents(true, text('ab'), text(''), text('cde'), text('f'))

  test('are released when they are removed; the indexes stay', () => {
    const composite = abc()
    const parts = Array.from({ length: 4 }, (_, i) => composite.component(i))
    composite.removeComponent(2)
    assert.deepEqual(parts.map(({ refCnt }) => refCnt), [1, 1, 0, 1])
    assert.deepEqual([composite.capacity, composite.writerIndex], [3, 6])
    assert.throws(() => composite.skipBytes(2).readShort(), { name: 'IndexOutOfBoundsError' })
    composite.setIndex(0, 3)
    assert.equal(contentOf(composite), 'abf')
    composite.removeComponents(0, 3)
    assert.deepEqual(parts.map(({ refCnt }) => refCnt), [0, 0, 0, 0])
    for (const wrong of [() => composite.removeComponent(0), () => composite.removeComponents(0, 1), () => composite.component(-1), () => composite.toByteIndex(0)]) {
      assert.throws(wrong, { name: 'IndexOutOfBoundsError', message: /numComponents\(0\)/ })
    }
  })

  test('are found by byte, and bytes by component', () => {
    const composite = abc()
    assert.deepEqual(Array.from({ length: 6 }, (_, offset) => composite.toComponentIndex(offset)), [0, 0, 2, 2, 2, 3])
    assert.deepEqual(Array.from({ length: 4 }, (_, cIndex) => composite.toByteIndex(cIndex)), [0, 2, 2, 5])
    assert.equal(contentOf(composite.componentAtOffset(3)), 'cde')
    assert.equal(contentOf(composite.internalComponentAtOffset(3)), 'cde')
    assert.deepEqual(composite.decompose(1, 3).map(contentOf), ['b', '', 'cd'])
    for (const wrong of [() => composite.toComponentIndex(6), () => composite.componentAtOffset(-1), () => composite.decompose(3, 4)]) {
      assert.throws(wrong, { name: 'IndexOutOfBoundsError' })
    }
  })

  test('are views of the same bytes: component() of the buffer as it was added, internalComponent() of what is left of it', () => {
    const composite = abc()
    composite.skipBytes(3).discardReadBytes()
    assert.equal(contentOf(composite.component(0)), 'cde')
    assert.equal(contentOf(composite.internalComponent(0)), 'de')
    composite.internalComponent(0).setByte(0, 'D'.charCodeAt(0))
    assert.equal(contentOf(composite), 'Def')
    assert.equal(composite.internalComponent(0).refCnt, 1)
  })

  test('become one when consolidated, a range of them too, and are released', () => {
    const composite = abc()
    const parts = Array.from({ length: 4 }, (_, i) => composite.component(i))
    composite.consolidate(1, 2)
    assert.deepEqual(partsOf(composite), ['ab', 'cde', 'f'])
    assert.deepEqual(parts.map(({ refCnt }) => refCnt), [1, 0, 0, 1])
    composite.consolidate()
    assert.deepEqual(partsOf(composite), ['abcdef'])
    assert.throws(() => composite.consolidate(0, 2), { name: 'IndexOutOfBoundsError' })
    assert.equal(composite.consolidate().numComponents, 1)
  })

  test('that were read go with discardReadComponents, without a copy', () => {
    const composite = abc()
    const first = composite.component(0)
    composite.skipBytes(3).markReaderIndex().discardReadComponents()
    assert.equal(first.refCnt, 0)
    assert.deepEqual([composite.readerIndex, composite.writerIndex, composite.capacity], [1, 4, 4])
    assert.deepEqual(partsOf(composite), ['cde', 'f'])
    assert.equal(composite.resetReaderIndex().readerIndex, 1)
    composite.skipBytes(3).discardSomeReadBytes()
    assert.deepEqual([composite.readerIndex, composite.writerIndex, composite.capacity, composite.numComponents], [0, 0, 0, 0])
  })

  test('cannot change their number while they are iterated', () => {
    const composite = abc()
    const iterator = composite[Symbol.iterator]()
    iterator.next()
    composite.removeComponent(0)
    assert.throws(() => iterator.next(), { name: 'IllegalStateError', message: /numComponents: 3/ })
  })

  test('are all released with the composite, also when one of them was released before', () => {
    const composite = abc()
    const parts = Array.from({ length: 4 }, (_, i) => composite.component(i))
    parts[0]!.release()
    assert.throws(() => composite.release(), { name: 'IllegalReferenceCountError' })
    assert.deepEqual(parts.map(({ refCnt }) => refCnt), [0, 0, 0, 0])
    assert.equal(composite.refCnt, 0)
  })

  test('may be thousands, and are found at once', () => {
    const composite = Unpooled.compositeBuffer(5000)
    for (let i = 0; i < 5000; i++) composite.addComponent(true, Unpooled.wrappedBuffer(Buffer.of(i >>> 8, i)))
    assert.equal(composite.numComponents, 5000)
    for (let i = 0; i < 5000; i += 7) assert.equal(composite.getUnsignedShort(i * 2), i)
    assert.equal(composite.toComponentIndex(9999), 4999)
  })
})

describe('a composite', () => {
  test('grows by components of zeros and shrinks by cutting off', () => {
    const composite = Unpooled.compositeBuffer().addComponents(true, text('abc'), text('def'))
    composite.writeByte(1)
    assert.deepEqual([composite.capacity, composite.numComponents], [64, 3])
    composite.setCapacity(4)
    assert.deepEqual([composite.writerIndex, composite.numComponents, contentOf(composite)], [4, 2, 'abcd'])
    composite.setCapacity(6)
    assert.equal(ByteBufUtil.hexDump(composite, 0, 6), '616263640000')
    assert.equal(composite.setCapacity(3).numComponents, 1)
    assert.throws(() => composite.setCapacity(-1), { name: 'IllegalArgumentError' })
  })

  test('is a ByteBuf, and prints its indexes, its number of components and a short dump', () => {
    const composite = Unpooled.compositeBuffer().addComponents(true, text('ab'), text('c'.repeat(100)))
    assert.ok(composite instanceof ByteBuf && composite instanceof CompositeByteBuf)
    assert.equal(composite.isContiguous, false)
    assert.equal(Unpooled.buffer().isContiguous, true)
    assert.equal(inspect(composite), `<CompositeByteBuf(2) ridx: 0 widx: 102 cap: 102 | 61 62${' 63'.repeat(30)} ... 70 more bytes>`)
    assert.equal(String(composite), 'CompositeByteBuf(ridx: 0, widx: 102, cap: 102, components: 2)')
    composite.removeComponent(1)
    assert.equal(inspect(composite), '<CompositeByteBuf(1) ridx: 0 widx: 102 cap: 2 | bytes not accessible>')
    composite.release()
    assert.equal(inspect(composite), '<CompositeByteBuf(1) released>')
    assert.equal(String(composite), 'CompositeByteBuf(released)')
  })

  test('needs a maximum of at least one component', () => {
    for (const wrong of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => Unpooled.compositeBuffer(wrong), { name: 'IllegalArgumentError', message: /maxNumComponents/ })
    }
    assert.equal(ByteBufAllocator.DEFAULT.compositeBuffer(1).addComponents(true, text('a'), text('b')).numComponents, 1)
  })
})

describe('a composite with pooled memory', () => {
  test('takes padding and what it consolidates into from its allocator, and gives all of it back', () => {
    const alloc = new PooledByteBufAllocator()
    const composite = alloc.compositeBuffer(2)
    composite.addComponent(true, alloc.buffer().writeInt(1)).writeInt(2)
    assert.equal(alloc.metric.usedBytes, 512)
    composite.addComponent(true, composite.capacity === 64 ? alloc.buffer().writeLong(3) : text('12345678'))
    assert.deepEqual([composite.numComponents, composite.getInt(0), composite.getInt(4)], [1, 1, 2])
    assert.equal(alloc.metric.usedBytes, 256)
    const kept = composite.retainedSlice(0, 8)
    composite.release()
    assert.equal(kept.getLong(0), 0x100000002n)
    kept.release()
    assert.equal(alloc.metric.usedBytes, 0)
  })

  test('whose bytes are kept with asBuffer() does not give them back', () => {
    const alloc = new PooledByteBufAllocator({ poison: true })
    const composite = alloc.compositeBuffer().addComponents(true, alloc.buffer().writeInt(1), alloc.buffer().writeInt(2))
    const one = composite.slice(4, 4).asBuffer()
    const both = composite.asBuffer()
    composite.touch('here').release()
    assert.equal(alloc.metric.pooledBytes, 256)
    assert.deepEqual([one, both], [Buffer.of(0, 0, 0, 2), Buffer.of(0, 0, 0, 1, 0, 0, 0, 2)])
  })
})

describe('wrappedBuffer of several sources', () => {
  test('is a composite over the same memory, without the empty ones, which are released', () => {
    const array = Buffer.from('abc')
    const empty = text('')
    const buffer = text('def').skipBytes(1)
    const wrapped = Unpooled.wrappedBuffer(array, empty, buffer, new Uint8Array(0))
    assert.ok(wrapped instanceof CompositeByteBuf)
    assert.deepEqual(partsOf(wrapped), ['abc', 'ef'])
    assert.equal(empty.refCnt, 0)
    array[0] = 'A'.charCodeAt(0)
    assert.equal(contentOf(wrapped), 'Abcef')
    assert.equal(wrapped.release(), true)
    assert.equal(buffer.refCnt, 0)
  })

  test('is that one when only one has bytes, and the empty buffer when none has', () => {
    const wrapped = Unpooled.wrappedBuffer(text(''), Buffer.from('abc'), text(''))
    assert.ok(!(wrapped instanceof CompositeByteBuf))
    assert.equal(contentOf(wrapped), 'abc')
    assert.equal(Unpooled.wrappedBuffer(text(''), Buffer.alloc(0)), Unpooled.EMPTY_BUFFER)
    assert.equal(Unpooled.wrappedBuffer(), Unpooled.EMPTY_BUFFER)
  })

  test('takes a maximum of components first', () => {
    assert.deepEqual(partsOf(Unpooled.wrappedBuffer(2, text('a'), text('b'), text('c')) as CompositeByteBuf), ['abc'])
    assert.equal((Unpooled.wrappedBuffer(20, ...Array.from({ length: 20 }, () => text('a'))) as CompositeByteBuf).numComponents, 20)
  })

  test('releases all of them when one is no source, or the maximum is wrong', () => {
    const [a, b, c] = [text('a'), text('b'), text('c')] as const
    assert.throws(() => Unpooled.wrappedBuffer(a, 'text' as unknown as ByteBuf, b), { name: 'IllegalArgumentError' })
    assert.throws(() => Unpooled.wrappedBuffer(0, c, Buffer.from('x')), { name: 'IllegalArgumentError' })
    assert.deepEqual([a.refCnt, b.refCnt, c.refCnt], [0, 0, 0])
  })
})
