import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, ByteBufAllocator, type CompositeByteBuf, Unpooled } from '@knotty/buffer'

const text = (value: string): ByteBuf => Unpooled.copiedBuffer(value, 'latin1')
const contentOf = (buffer: ByteBuf): string => buffer.toString('latin1')

/** `abcd`, `efgh`, `ijkl`; the first has been released by somebody who had no right to. */
function withGoneComponent(): CompositeByteBuf {
  const first = text('abcd')
  const composite = Unpooled.compositeBuffer().addComponents(true, first, text('efgh'), text('ijkl'))
  first.release()
  return composite
}

describe('a composite of which a component cannot be released', () => {
  for (const discard of ['discardSomeReadBytes', 'discardReadComponents', 'discardReadBytes'] as const) {
    test(`throws in ${discard}(), and goes on with the byte that is next`, () => {
      const composite = withGoneComponent().setIndex(5, 12)
      assert.throws(() => composite[discard](), { name: 'IllegalReferenceCountError' })
      assert.equal(contentOf(composite), 'fghijkl')
      assert.equal(composite.numComponents, 2)
      composite.release()
    })
  }

  test('throws in setCapacity(), and its indexes are within what is left', () => {
    const last = text('cd')
    const composite = Unpooled.compositeBuffer().addComponents(true, text('ab'), last)
    last.release()
    composite.setIndex(3, 4)
    assert.throws(() => composite.setCapacity(2), { name: 'IllegalReferenceCountError' })
    assert.deepEqual([composite.readerIndex, composite.writerIndex, composite.capacity], [2, 2, 2])
    composite.release()
  })

  test('is not consolidated, and is as it was', () => {
    const composite = withGoneComponent()
    assert.throws(() => composite.consolidate(), { name: 'IllegalReferenceCountError' })
    assert.equal(composite.numComponents, 3)
    assert.equal(contentOf(composite.skipBytes(4)), 'efghijkl')
  })
})

test('a composite that finds no memory to consolidate keeps nothing of that call, and releases what was to be added', () => {
  class Empty extends ByteBufAllocator {
    override buffer(): ByteBuf {
      throw new RangeError('no memory')
    }
  }
  const composite = new Empty().compositeBuffer(2).addComponents(true, text('ab'), text('cd'))
  const more = [text('x'), text('y')]
  assert.throws(() => composite.addComponents(true, 1, more[0]!, more[1]!), /no memory/)
  assert.deepEqual([contentOf(composite), composite.numComponents, more.map(({ refCnt }) => refCnt)], ['abcd', 2, [0, 0]])
  composite.release()
})

test('the components of a read-only composite stay read-only when they are added flattened', () => {
  const parts = [text('ab'), text('cd')]
  const readOnly = Unpooled.wrappedBuffer(...parts).asReadOnly()
  const composite = Unpooled.compositeBuffer().addComponent(true, text('x')).addFlattenedComponents(true, readOnly)
  assert.equal(composite.numComponents, 3)
  assert.throws(() => composite.setByte(1, 90), { name: 'ReadOnlyBufferError' })
  assert.equal(contentOf(composite), 'xabcd')
  composite.setByte(0, 90)
  composite.release()
  assert.deepEqual(parts.map(({ refCnt }) => refCnt), [0, 0])
})

test('a buffer whose memory has shrunk below what is readable is no component', () => {
  const buffer = text('abcdef')
  const shrunk = buffer.duplicate()
  buffer.setCapacity(2)
  const composite = Unpooled.compositeBuffer()
  assert.throws(() => composite.addComponent(true, shrunk), { name: 'IndexOutOfBoundsError' })
  assert.deepEqual([composite.numComponents, buffer.refCnt], [0, 0])
})
