import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { ByteBuf, ByteBufUtil, type CompositeByteBuf, Storage, Unpooled } from '@knotty/buffer'
import * as fc from 'fast-check'

/** A composite and a plain buffer with the same bytes, indexes and capacity: each operation must do the same to both. */
class Pair {
  readonly composite: CompositeByteBuf
  flat: ByteBuf = Unpooled.buffer(0)
  /** Chunks of a slab among the components. */
  readonly chunks: { storage: Storage; memory: Buffer }[] = []

  constructor(maxNumComponents: number) {
    this.composite = Unpooled.compositeBuffer(maxNumComponents)
  }

  /** The plain buffer becomes one with these bytes; its indexes are what they were, less `discarded`. */
  replaceFlat(bytes: Buffer, discarded: number): void {
    const { readerIndex, writerIndex } = this.flat
    this.flat = Unpooled.buffer(bytes.length).writeBytes(bytes).setIndex(readerIndex - discarded, writerIndex - discarded)
  }

  /** The marks of the model are lost when its buffer is replaced: both get new ones. */
  markBoth(): void {
    for (const buffer of [this.composite, this.flat]) buffer.markReaderIndex().markWriterIndex()
  }

  check(): void {
    const { composite, flat } = this
    assert.deepEqual(
      [composite.readerIndex, composite.writerIndex, composite.capacity, contentOf(composite)],
      [flat.readerIndex, flat.writerIndex, flat.capacity, contentOf(flat)],
    )
    let sum = ''
    for (const part of composite) sum += ByteBufUtil.hexDump(part)
    assert.equal(sum, contentOf(composite))
    assert.ok(composite.numComponents <= composite.maxNumComponents)
  }
}

function contentOf(buffer: ByteBuf): string {
  return ByteBufUtil.hexDump(buffer, 0, buffer.capacity)
}

type Kind = 'array' | 'slice' | 'nested' | 'slab'

/** A buffer whose readable bytes are `bytes`, in memory of different kinds. */
function bufferOf(kind: Kind, bytes: Uint8Array, pair?: Pair): ByteBuf {
  switch (kind) {
    case 'array':
      return Unpooled.wrappedBuffer(Buffer.from(bytes))
    case 'slice':
      return Unpooled.buffer().writeLong(-1).writeBytes(bytes).writeLong(-1).skipBytes(8).readSlice(bytes.length)
    case 'nested': {
      const middle = bytes.length >> 1
      const parts = [bytes.subarray(0, middle), bytes.subarray(middle)].map((part) => bufferOf('slice', part))
      return Unpooled.compositeBuffer().addComponents(true, ...parts)
    }
    case 'slab': {
      const memory = Buffer.alloc(bytes.length + 20, 0xee)
      memory.set(bytes, 10)
      const storage = new Storage(memory, 10, bytes.length, true)
      pair?.chunks.push({ storage, memory })
      return ByteBuf.overStorage(storage)
    }
  }
}

/** Plays something on one buffer; gives what came out of it, without identity. */
type Play = (buffer: ByteBuf) => unknown
type Operation = (pair: Pair) => void

function outcomeOf(play: Play, buffer: ByteBuf): unknown {
  try {
    const result = play(buffer)
    if (result === buffer) return 'this'
    if (ByteBuf.isByteBuf(result)) return [result.readerIndex, result.writerIndex, contentOf(result)]
    return result instanceof Uint8Array ? Buffer.from(result).toString('hex') : result
  } catch (error) {
    return (error as Error).name
  }
}

/** What a counterexample shows. */
function named<F extends object>(text: string, play: F): F {
  return Object.assign(play, { toString: () => text })
}

/** The same on both. */
const both = (play: Play): Operation => named(String(play), ({ composite, flat }: Pair) => assert.deepEqual(outcomeOf(play, composite), outcomeOf(play, flat), String(play)))

const READS = (
  'Boolean Byte UnsignedByte Short ShortLE UnsignedShort UnsignedShortLE Medium MediumLE UnsignedMedium UnsignedMediumLE Int IntLE UnsignedInt ' +
  'UnsignedIntLE Long LongLE UnsignedLong UnsignedLongLE SafeLong SafeLongLE Char Float FloatLE Double DoubleLE'
).split(' ')
const WRITES = 'Boolean Byte Short ShortLE Medium MediumLE Int IntLE Long LongLE Char Float FloatLE Double DoubleLE'.split(' ')

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>
const call = (method: string, ...args: readonly unknown[]): Play => named(`${method}(${args.map(String).join(', ')})`, (buffer) => (buffer as unknown as Methods)[method]!(...args))

const index = fc.nat(70)
const bytes = fc.uint8Array({ maxLength: 24, size: 'max' })
const kind = fc.constantFrom<Kind>('array', 'slice', 'nested', 'slab')
const encoding = fc.constantFrom<BufferEncoding>('utf8', 'ascii', 'latin1', 'hex', 'base64')

const play: fc.Arbitrary<Play> = fc.oneof(
  fc.constantFrom(...READS).map((type) => call(`read${type}`)),
  fc.tuple(fc.constantFrom(...READS), index).map(([type, at]) => call(`get${type}`, at)),
  fc.tuple(fc.constantFrom(...WRITES), fc.integer()).map(([type, value]) => call(`write${type}`, value)),
  fc.tuple(fc.constantFrom(...WRITES), index, fc.integer()).map(([type, at, value]) => call(`set${type}`, at, value)),
  fc.tuple(kind, bytes).map(([k, b]): Play => (buffer) => buffer.writeBytes(bufferOf(k, b))),
  fc.tuple(kind, bytes, index).map(([k, b, at]): Play => (buffer) => buffer.setBytes(at, bufferOf(k, b), 0, b.length)),
  fc.tuple(index, bytes).map(([at, b]) => call('setBytes', at, b)),
  fc.tuple(kind, index, fc.nat(30)).map(([k, at, length]): Play => (buffer) => {
    const target = bufferOf(k, new Uint8Array(30))
    buffer.getBytes(at, target, 30 - length, length)
    return target
  }),
  fc.tuple(kind, fc.nat(30)).map(([k, length]): Play => (buffer) => {
    const target = bufferOf(k, new Uint8Array(30)).clear()
    buffer.readBytes(target, length)
    return target
  }),
  fc.tuple(index, fc.nat(30)).map(([at, length]): Play => (buffer) => {
    const target = new Uint8Array(length)
    buffer.getBytes(at, target)
    return target
  }),
  fc.tuple(index, index, fc.nat(30)).map(([to, from, length]): Play => (buffer) => buffer.setBytes(to, buffer, from, length)),
  fc.tuple(index, fc.nat(20)).map(([at, length]) => call('setZero', at, length)),
  fc.nat(20).map((length) => call('writeZero', length)),
  fc.nat(20).map((length) => call('skipBytes', length)),
  fc.nat(20).map((length) => call('readBytes', length)),
  fc.nat(20).map((length) => call('readSlice', length)),
  fc.tuple(index, fc.nat(40)).map(([at, length]) => call('copy', at, length)),
  fc.tuple(index, fc.nat(40)).map(([at, length]) => call('slice', at, length)),
  fc.tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), encoding).map(([text, e]) => call('writeCharSequence', text, e)),
  fc.tuple(index, fc.string({ unit: 'grapheme', maxLength: 8 }), encoding).map(([at, text, e]) => call('setCharSequence', at, text, e)),
  fc.tuple(index, fc.nat(30), encoding).map(([at, length, e]) => call('getCharSequence', at, length, e)),
  fc.tuple(fc.nat(30), encoding).map(([length, e]) => call('readCharSequence', length, e)),
  fc.tuple(index, index, fc.nat(255)).map(([from, to, value]) => call('indexOf', from, to, value)),
  fc.constant(call('bytesBefore', 0)),
  fc.tuple(index, fc.nat(40)).map(([at, length]) => call('forEachByte', at, length, (byte: number) => byte < 200)),
  fc.tuple(index, fc.nat(40)).map(([at, length]) => call('forEachByteDesc', at, length, (byte: number) => byte < 200)),
  fc.constantFrom('hashCode', 'unsafeBuffer', 'duplicate', 'asReadOnly', 'slice', 'copy', 'clear', 'markReaderIndex').map((name) => call(name)),
  fc.constantFrom('resetReaderIndex', 'markWriterIndex', 'resetWriterIndex').map((name) => call(name)),
  fc.constant<Play>((buffer) => Buffer.concat([...buffer.unsafeBuffers()])),
  fc.constant<Play>((buffer) => {
    const target = Buffer.alloc(buffer.readableBytes + 3)
    buffer.copyReadableTo(target, 2)
    return target
  }),
  fc.tuple(kind, bytes).map(([k, b]): Play => (buffer) => {
    const other = bufferOf(k, b)
    return [Math.sign(buffer.compareTo(other)), Math.sign(other.compareTo(buffer)), buffer.equals(other), ByteBufUtil.indexOf(other, buffer)]
  }),
  fc.constant<Play>((buffer) => [ByteBufUtil.hexDump(buffer), ByteBufUtil.prettyHexDump(buffer)]),
  fc.nat(100).map((length) => call('ensureWritable', length)),
  fc.nat(100).map((capacity) => call('setCapacity', capacity)),
)

/** On a view of both. */
const onView: fc.Arbitrary<Operation> = fc.tuple(fc.constantFrom('slice', 'duplicate', 'asReadOnly'), index, fc.nat(40), fc.array(play, { maxLength: 4 })).map(
  ([name, at, length, plays]): Operation => ({ composite, flat }) => {
    if (at + length > flat.capacity) return
    const viewOf = (buffer: ByteBuf): ByteBuf => (name === 'slice' ? buffer.slice(at, length) : (call(name)(buffer) as ByteBuf))
    const views = [viewOf(composite), viewOf(flat)] as const
    for (const each of plays) {
      assert.deepEqual(outcomeOf(each, views[0]), outcomeOf(each, views[1]))
      // a view may have lowered the capacity below the indexes of its origin: these are then set as a user would
      for (const buffer of [composite, flat]) if (buffer.writerIndex > buffer.capacity) buffer.clear()
    }
  },
)

const structural: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(kind, bytes, fc.boolean(), index, fc.boolean()).map(([k, b, increase, position, flattened]): Operation => (pair) => {
    const { composite, flat } = pair
    const cIndex = flattened ? composite.numComponents : position % (composite.numComponents + 1)
    const at = cIndex === composite.numComponents ? composite.capacity : composite.toByteIndex(cIndex)
    const buffer = bufferOf(k, b, pair)
    if (flattened) composite.addFlattenedComponents(increase, buffer)
    else composite.addComponent(increase, cIndex, buffer)
    const before = flat.copy(0, flat.capacity).asBuffer()
    pair.replaceFlat(Buffer.concat([before.subarray(0, at), b, before.subarray(at)]), 0)
    if (increase) pair.flat.writerIndex += b.length
  }),
  fc.tuple(index, fc.nat(3)).map(([position, n]): Operation => (pair) => {
    const { composite, flat } = pair
    const cIndex = position % (composite.numComponents + 1)
    const count = Math.min(n, composite.numComponents - cIndex)
    if (count === 0) return
    composite.clear()
    flat.clear()
    const start = composite.toByteIndex(cIndex)
    const end = cIndex + count < composite.numComponents ? composite.toByteIndex(cIndex + count) : composite.capacity
    composite.removeComponents(cIndex, count)
    const before = flat.copy(0, flat.capacity).asBuffer()
    pair.replaceFlat(Buffer.concat([before.subarray(0, start), before.subarray(end)]), 0)
  }),
  fc.constantFrom('discardReadBytes', 'discardReadComponents', 'discardSomeReadBytes').map((name): Operation => (pair) => {
    const { composite, flat } = pair
    const before = composite.capacity
    call(name)(composite)
    const discarded = before - composite.capacity
    if (name === 'discardReadBytes') assert.equal(composite.readerIndex, 0)
    assert.ok(discarded <= flat.readerIndex)
    pair.replaceFlat(flat.copy(discarded, before - discarded).asBuffer(), discarded)
  }),
  fc.constant<Operation>(({ composite }) => void composite.consolidate()),
  fc.constant<Operation>(({ chunks }) => {
    for (const { storage, memory } of chunks) {
      storage.moveOut()
      memory.fill(0xdd)
    }
  }),
)

test('random operations on a composite and its views give what they give on a plain buffer', () => {
  const operation = fc.oneof({ weight: 4, arbitrary: play.map(both) }, { weight: 2, arbitrary: structural }, { weight: 1, arbitrary: onView })
  fc.assert(
    fc.property(fc.constantFrom(1, 3, 16), fc.array(operation, { maxLength: 40, size: 'max' }), (maxNumComponents, operations) => {
      const pair = new Pair(maxNumComponents)
      for (const each of operations) {
        const { flat } = pair
        each(pair)
        if (pair.flat !== flat) pair.markBoth()
        pair.check()
      }
      assert.equal(pair.composite.release(), true)
    }),
    { numRuns: 500 },
  )
})
