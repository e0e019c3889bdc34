import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { type ByteBuf, ByteBufUtil, ByteProcessor, Unpooled } from '@knotty/buffer'
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
}

interface ByteBufCase extends VectorCase {
  readonly create: readonly [kind: string, ...args: readonly unknown[]]
  readonly ops: readonly Op[]
  readonly expect: readonly (readonly [unknown, number, number, number, number])[]
  readonly final: readonly BufferState[]
}

const COMPOSITE_OPERATIONS = new Set(
  ('addComponent addComponentAt addComponents addComponentBuf addFlattenedComponents removeComponent removeComponents numComponents ' +
    'consolidate discardReadComponents decompose component componentAtOffset toComponentIndex toByteIndex').split(' '),
)

/** Without CompositeByteBuf, which is not ported yet. */
function counts(vector: ByteBufCase): boolean {
  return vector.create[0] !== 'composite' && !vector.ops.some(([, name]) => COMPOSITE_OPERATIONS.has(name))
}

function create([kind, ...args]: ByteBufCase['create']): ByteBuf {
  switch (kind) {
    case 'buffer':
      return Unpooled.buffer(args[0] as number, args[1] as number)
    case 'wrapped':
      return Unpooled.wrappedBuffer(Buffer.from(args[0] as string, 'hex'))
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
}

const NUMBER =
  /^(?:[gs]et|read|write)(?:Boolean|Byte|UnsignedByte|Char|(?:(?:Unsigned)?(?:Short|Medium|Int)|Long|Float|Double)(?:LE)?)$/

/** The other operations that are the method of the same name with the same arguments. */
const DIRECT = new Set(
  ('getCharSequence readCharSequence toString setZero writeZero skipBytes setIndex ensureWritable slice retainedSlice duplicate ' +
    'retainedDuplicate copy readSlice readRetainedSlice asReadOnly indexOf bytesBefore hashCode clear markReaderIndex resetReaderIndex ' +
    'markWriterIndex resetWriterIndex discardReadBytes discardSomeReadBytes retain release').split(' '),
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
  return { readerIndex, writerIndex, capacity, maxCapacity, refCnt, readable: ByteBufUtil.hexDump(buffer), all }
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
  counts,
  listed: {
    'quirk-readCharSequence-checks-capacity-not-writerIndex':
      'readCharSequence checks writerIndex as every other read does: a length from the peer must not give bytes that were never written',
  },
  expectationKeys: ['expect', 'final'],
  run,
})

test('bytebuf-ops: 223 of the 310 cases need no composite buffer', { skip: process.env['KNOTTY_VECTORS'] !== undefined }, () => {
  const file = path.join(import.meta.dirname, '../../../test/vectors/data/bytebuf-ops.json')
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: ByteBufCase[] }
  assert.equal(cases.length, 310)
  assert.equal(cases.filter(counts).length, 223)
})
