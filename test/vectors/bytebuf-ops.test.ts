import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { type ByteBuf, ByteBufUtil, ByteProcessor, CompositeByteBuf, Unpooled } from '@knotty/buffer'
import { javaNameOf } from './java-names.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

type Op = readonly [buffer: number, name: string, ...args: readonly unknown[]]

interface BufferState {
  readonly refCnt: number
  readonly readerIndex?: number
  readonly writerIndex?: number
  readonly capacity?: number
  readonly maxCapacity?: number
  readonly readable?: unknown
  readonly all?: string
  readonly components?: readonly string[]
}

interface ByteBufCase extends VectorCase {
  readonly create: readonly [kind: string, ...args: readonly unknown[]]
  readonly ops: readonly Op[]
  readonly expect: readonly (readonly [unknown, number, number, number, number])[]
  readonly final: readonly BufferState[]
}

function create([kind, ...args]: ByteBufCase['create']): ByteBuf {
  switch (kind) {
    case 'buffer':
      return Unpooled.buffer(args[0] as number, args[1] as number)
    case 'wrapped':
      return Unpooled.wrappedBuffer(Buffer.from(args[0] as string, 'hex'))
    case 'composite':
      return Unpooled.compositeBuffer(args[0] as number)
    case 'empty':
      return Unpooled.EMPTY_BUFFER
    default:
      throw new Error(`unknown way to create a buffer: ${kind}`)
  }
}

type Play = (buffer: ByteBuf, args: readonly any[], buffers: readonly ByteBuf[]) => unknown

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const encoding = (charset: string): BufferEncoding => charset as BufferEncoding

function processorOf(name: string): ByteProcessor {
  const processor = (ByteProcessor as Readonly<Record<string, ByteProcessor>>)[name]
  assert.ok(processor, `unknown processor ${name}`)
  return processor
}

/** Operations whose name or arguments are not simply those of the method. */
const PLAYS: Readonly<Record<string, Play>> = {
  writeBytes: (b, [bytes]) => b.writeBytes(hex(bytes)),
  setBytes: (b, [index, bytes]) => b.setBytes(index, hex(bytes)),
  writeBytesBuf: (b, [other], buffers) => b.writeBytes(buffers[other]!),
  writeBytesBufLen: (b, [other, length], buffers) => b.writeBytes(buffers[other]!, length),
  writeBytesBufIdx: (b, [other, index, length], buffers) => b.writeBytes(buffers[other]!, index, length),
  readBytes: (b, [length]) => intoArray(length, (array) => b.readBytes(array)),
  getBytes: (b, [index, length]) => intoArray(length, (array) => b.getBytes(index, array)),
  readBytesBuf: (b, [length]) => b.readBytes(length as number),
  readBytesIntoBuf: (b, [other], buffers) => b.readBytes(buffers[other]!),
  readBytesIntoBufLen: (b, [other, length], buffers) => b.readBytes(buffers[other]!, length),
  readerIndex: (b, [index]) => void (b.readerIndex = index),
  writerIndex: (b, [index]) => void (b.writerIndex = index),
  capacity: (b, [capacity]) => b.setCapacity(capacity),
  ensureWritableForce: (b, [length, force]) => b.tryEnsureWritable(length, force),
  isReadable: (b, [length]) => b.hasReadable(length),
  isWritable: (b, [length]) => b.hasWritable(length),
  forEachByte: (b, args) => walk(b, 'forEachByte', args),
  forEachByteDesc: (b, args) => walk(b, 'forEachByteDesc', args),
  writeCharSequence: (b, [text, charset]) => b.writeCharSequence(text, encoding(charset)),
  setCharSequence: (b, [index, text, charset]) => b.setCharSequence(index, text, encoding(charset)),
  compareTo: (b, [other], buffers) => Math.sign(b.compareTo(buffers[other]!)),
  equals: (b, [other], buffers) => b.equals(buffers[other]!),
  hexDump: (b, args) => (args.length === 0 ? ByteBufUtil.hexDump(b) : ByteBufUtil.hexDump(b, args[0], args[1])),
  prettyHexDump: (b) => ByteBufUtil.prettyHexDump(b),
  utf8Bytes: (_, [text]) => ByteBufUtil.utf8Bytes(text),
  retainN: (b, [n]) => b.retain(n),
  releaseN: (b, [n]) => b.release(n),
  writableBytes: (b) => b.writableBytes,
  maxWritableBytes: (b) => b.maxWritableBytes,
  maxCapacity: (b) => b.maxCapacity,
  isReadOnly: (b) => b.isReadOnly,
  refCnt: (b) => b.refCnt,
  addComponent: (b, [increase, bytes]) => composite(b).addComponent(increase, Unpooled.wrappedBuffer(hex(bytes))),
  addComponentAt: (b, [increase, cIndex, bytes]) => composite(b).addComponent(increase, cIndex, Unpooled.wrappedBuffer(hex(bytes))),
  addComponents: (b, [increase, all]) => composite(b).addComponents(increase, ...all.map((bytes: string) => Unpooled.wrappedBuffer(hex(bytes)))),
  addComponentBuf: (b, [increase, other], buffers) => composite(b).addComponent(increase, buffers[other]!.retain()),
  addFlattenedComponents: (b, [increase, other], buffers) => composite(b).addFlattenedComponents(increase, buffers[other]!.retain()),
  numComponents: (b) => composite(b).numComponents,
  decompose: (b, [offset, length]) => composite(b).decompose(offset, length).map((part) => ByteBufUtil.hexDump(part)),
  component: (b, [cIndex]) => ByteBufUtil.hexDump(composite(b).component(cIndex)),
  componentAtOffset: (b, [offset]) => ByteBufUtil.hexDump(composite(b).componentAtOffset(offset)),
}

function composite(buffer: ByteBuf): CompositeByteBuf {
  assert.ok(buffer instanceof CompositeByteBuf)
  return buffer
}

const NUMBER =
  /^(?:[gs]et|read|write)(?:Boolean|Byte|UnsignedByte|Char|(?:(?:Unsigned)?(?:Short|Medium|Int)|Long|Float|Double)(?:LE)?)$/

/** The other operations that are the method of the same name with the same arguments. */
const DIRECT = new Set(
  ('getCharSequence readCharSequence toString setZero writeZero skipBytes setIndex ensureWritable slice retainedSlice duplicate ' +
    'retainedDuplicate copy readSlice readRetainedSlice asReadOnly indexOf bytesBefore hashCode clear markReaderIndex resetReaderIndex ' +
    'markWriterIndex resetWriterIndex discardReadBytes discardSomeReadBytes retain release removeComponent removeComponents consolidate ' +
    'discardReadComponents toComponentIndex toByteIndex').split(' '),
)

/** The file's notation for the value of a written 64-bit integer or float. */
function argumentsOf(name: string, args: readonly any[]): readonly any[] {
  const value: any = args.at(-1)
  if (/^(?:set|write)Long/.test(name)) return [...args.slice(0, -1), BigInt(value)]
  if (/^(?:set|write)Float/.test(name)) return [...args.slice(0, -1), value === 'NaN' ? Number.NaN : hex(value).readFloatBE()]
  if (/^(?:set|write)Double/.test(name)) return [...args.slice(0, -1), value === 'NaN' ? Number.NaN : hex(value).readDoubleBE()]
  return args
}

function playOf(name: string): Play {
  if (Object.hasOwn(PLAYS, name)) return PLAYS[name]!
  if (!NUMBER.test(name) && !DIRECT.has(name)) throw new Error(`unknown operation ${name}`)
  return (buffer, args) => (buffer as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name]!(...argumentsOf(name, args))
}

function intoArray(length: number, fill: (array: Uint8Array) => void): string {
  const array = Buffer.alloc(length)
  fill(array)
  return array.toString('hex')
}

function walk(buffer: ByteBuf, method: 'forEachByte' | 'forEachByteDesc', args: readonly any[]): number {
  const processor = processorOf(args.at(-1))
  return args.length === 1 ? buffer[method](processor) : buffer[method](args[0], args[1], processor)
}

function floatBits(name: string, value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  const bytes = Buffer.alloc(name.includes('Float') ? 4 : 8)
  if (bytes.length === 4) bytes.writeFloatBE(value)
  else bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}

/** What the operation gave, in the file's notation; a new buffer gets the next number. */
function resultOf(name: string, result: unknown, buffer: ByteBuf, buffers: ByteBuf[]): unknown {
  if (typeof result === 'bigint') return String(result)
  if (typeof result === 'number' && /(?:Float|Double)(?:LE)?$/.test(name)) return floatBits(name, result)
  if (/^(?:slice|retained|duplicate|copy|readSlice|readRetained|asReadOnly|readBytesBuf$)/.test(name)) {
    buffers.push(result as ByteBuf)
    return { buf: buffers.length - 1 }
  }
  return result === buffer || result === undefined ? null : result
}

function stateOf(buffer: ByteBuf): BufferState {
  if (buffer.refCnt === 0) return { refCnt: 0 }
  const { readerIndex, writerIndex, capacity, maxCapacity, refCnt } = buffer
  const all = intoArray(capacity, (array) => buffer.getBytes(0, array))
  const state = { readerIndex, writerIndex, capacity, maxCapacity, refCnt, readable: ByteBufUtil.hexDump(buffer), all }
  if (!(buffer instanceof CompositeByteBuf)) return state
  return { ...state, components: Array.from({ length: buffer.numComponents }, (_, cIndex) => ByteBufUtil.hexDump(buffer.component(cIndex))) }
}

function run(vector: ByteBufCase): void {
  const buffers = [create(vector.create)]
  vector.ops.forEach(([number, name, ...args], k) => {
    const buffer = buffers[number]!
    const play = playOf(name)
    let result: unknown
    try {
      result = resultOf(name, play(buffer, args, buffers), buffer, buffers)
    } catch (error) {
      result = { ex: javaNameOf(error) }
    }
    const actual = [result, buffer.readerIndex, buffer.writerIndex, buffer.readableBytes, buffer.capacity]
    assert.deepEqual(actual, vector.expect[k], `operation ${k}, ${name}(${args.join(', ')}) of buffer ${number}`)
  })
  assert.equal(vector.expect.length, vector.ops.length)
  assert.deepEqual(buffers.map(stateOf), vector.final, 'at the end')
}

testVectorFile<ByteBufCase>({
  file: 'bytebuf-ops',
  listed: {
    'quirk-readCharSequence-checks-capacity-not-writerIndex':
      'readCharSequence checks writerIndex as every other read does: a length from the peer must not give bytes that were never written',
  },
  expectationKeys: ['expect', 'final'],
  run,
})
