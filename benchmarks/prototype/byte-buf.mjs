// A ByteBuf that reaches its memory through a storage object at every access: what the indirection costs.
//
// `Storage` owns the bytes and the reference count; a ByteBuf and all its slices go through it each time, so that the bytes
// can be moved (out of a read slab, say) without any view noticing. Every access checks the reference count and the bounds.
//
// Part 1 loops over a 4 KiB buffer: ints and bytes by indexes, through the whole buffer and through a slice, against the
//        same loop over a Buffer and its own methods.
// Part 2 copies n bytes from a moving place of one 64 KiB buffer to a moving place of another: a byte loop, Buffer.copy,
//        TypedArray.set of a fresh subarray. Where the loop stops winning is the threshold for copying small pieces.
//
// Each case runs in its own process. Run:  node benchmarks/prototype/byte-buf.mjs [--rounds 3]
// Read:  nanoseconds an operation, median (min-max) of the rounds; the ratio is to the Buffer case of the same group
//        (part 1: below 1 is faster than Buffer) or to Buffer.copy of the same size (part 2).

import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'

export class Storage {
  constructor(bytes, base, capacity) {
    this.bytes = bytes
    this.base = base
    this.capacity = capacity
    this.refCnt = 1
  }
}

export class ByteBuf {
  constructor(storage, offset, readerIndex, writerIndex, capacity) {
    this.storage = storage
    this.offset = offset
    this.readerIndex = readerIndex
    this.writerIndex = writerIndex
    this.capacity = capacity
  }

  readByte() {
    const storage = this.storage
    const index = this.readerIndex
    if (storage.refCnt === 0) throw released()
    if (index >= this.writerIndex) throw outOfBounds(this, 1)
    this.readerIndex = index + 1
    return (storage.bytes[storage.base + this.offset + index] << 24) >> 24
  }

  readInt() {
    const storage = this.storage
    const index = this.readerIndex
    if (storage.refCnt === 0) throw released()
    if (index > this.writerIndex - 4) throw outOfBounds(this, 4)
    this.readerIndex = index + 4
    const bytes = storage.bytes
    const at = storage.base + this.offset + index
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
  }

  writeInt(value) {
    const storage = this.storage
    const index = this.writerIndex
    if (storage.refCnt === 0) throw released()
    if (index > this.capacity - 4) throw outOfBounds(this, 4)
    this.writerIndex = index + 4
    const bytes = storage.bytes
    const at = storage.base + this.offset + index
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }

  /** A view of `length` bytes from `index` on; it shares the storage and its reference count. */
  slice(index, length) {
    if (this.storage.refCnt === 0) throw released()
    if (index < 0 || length < 0 || index > this.capacity - length) throw outOfBounds(this, length)
    return new ByteBuf(this.storage, this.offset + index, 0, length, length)
  }
}

function released() {
  return new Error('the buffer was released')
}

function outOfBounds(buf, length) {
  return new RangeError(`${length} bytes at ${buf.readerIndex}/${buf.writerIndex} of ${buf.capacity}`)
}

/** A ByteBuf over `bytes`, empty (nothing readable). */
export function wrap(bytes) {
  return new ByteBuf(new Storage(bytes, 0, bytes.length), 0, 0, 0, bytes.length)
}

export function copyLoop(source, from, target, to, length) {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i]
}

export function copyBy4(source, from, target, to, length) {
  let i = 0
  for (; i < length - 3; i += 4) {
    target[to + i] = source[from + i]
    target[to + i + 1] = source[from + i + 1]
    target[to + i + 2] = source[from + i + 2]
    target[to + i + 3] = source[from + i + 3]
  }
  for (; i < length; i++) target[to + i] = source[from + i]
}

const SIZE = 4096
const memory = Buffer.alloc(2 * SIZE, 7)
const buffer = memory.subarray(100, 100 + SIZE)
const whole = wrap(memory)
const sliced = whole.slice(100, SIZE)
let sink = 0

function eachInt(buf, end) {
  let sum = 0
  buf.readerIndex = 0
  buf.writerIndex = end
  while (buf.readerIndex < end) sum ^= buf.readInt()
  sink ^= sum
}

function eachByte(buf) {
  let sum = 0
  buf.readerIndex = 0
  buf.writerIndex = SIZE
  while (buf.readerIndex < SIZE) sum ^= buf.readByte()
  sink ^= sum
}

function writeInts(buf) {
  buf.writerIndex = 0
  for (let i = 0; i < SIZE; i += 4) buf.writeInt(i * 65_537)
}

const ints = SIZE / 4

/** Part 1: [group, name, operations a call, function]; the first of a group is its baseline. */
const accessCases = [
  ['readInt', 'Buffer.readInt32BE', ints, () => { let s = 0; for (let i = 0; i < SIZE; i += 4) s ^= buffer.readInt32BE(i); sink ^= s }],
  ['readInt', 'ByteBuf.readInt', ints, () => eachInt(whole, SIZE)],
  ['readInt', 'the same, slice', ints, () => eachInt(sliced, SIZE)],
  ['writeInt', 'Buffer.writeInt32BE', ints, () => { for (let i = 0; i < SIZE; i += 4) buffer.writeInt32BE((i * 65_537) | 0, i) }],
  ['writeInt', 'ByteBuf.writeInt', ints, () => writeInts(whole)],
  ['writeInt', 'the same, slice', ints, () => writeInts(sliced)],
  ['readByte', 'Buffer.readInt8', SIZE, () => { let s = 0; for (let i = 0; i < SIZE; i++) s ^= buffer.readInt8(i); sink ^= s }],
  ['readByte', 'ByteBuf.readByte', SIZE, () => eachByte(whole)],
  ['readByte', 'the same, slice', SIZE, () => eachByte(sliced)],
  // A frame: a fresh view of 64 bytes and one int read through it.
  ['view', 'Buffer.subarray', 64, () => { for (let i = 0; i < SIZE; i += 64) sink ^= buffer.subarray(i, i + 64).readInt32BE(0) }],
  ['view', 'ByteBuf.slice', 64, () => { for (let i = 0; i < SIZE; i += 64) sink ^= whole.slice(i, 64).readInt() }],
]

const SLAB = 65_536
const source = Buffer.alloc(SLAB, 'abc')
const target = Buffer.alloc(SLAB)
const copySizes = [4, 16, 32, 48, 64, 96, 128, 256, 1024]
const copyWays = {
  'Buffer.copy': (from, to, n) => { source.copy(target, to, from, from + n) },
  'loop by 4': (from, to, n) => { copyBy4(source, from, target, to, n) },
  'loop': (from, to, n) => { copyLoop(source, from, target, to, n) },
  'set(subarray)': (from, to, n) => { target.set(source.subarray(from, from + n), to) },
  'set(new Uint8Array)': (from, to, n) => { target.set(new Uint8Array(source.buffer, source.byteOffset + from, n), to) },
}

function copyCase(way, n) {
  const copy = copyWays[way]
  let from = 0
  return () => {
    for (let i = 0; i < 64; i++) {
      from = (from + n + 13) & 32_767
      copy(from, from + 4, n)
    }
  }
}

/** All cases: { group, name, operations, run }. */
export const cases = [
  ...accessCases.map(([group, name, operations, run]) => ({ group, name, operations, run })),
  ...copySizes.flatMap((n) => Object.keys(copyWays).map((way) =>
    ({ group: `copy ${n}`, name: way, operations: 64, run: copyCase(way, n) }))),
]

/** Nanoseconds an operation of a case: the median of seven samples after 400 ms of warm-up. */
export function measure({ operations, run }) {
  const calls = Math.ceil(500_000 / operations)
  const sample = () => {
    const start = process.hrtime.bigint()
    for (let call = 0; call < calls; call++) run()
    return Number(process.hrtime.bigint() - start) / (calls * operations)
  }
  for (const end = performance.now() + 400; performance.now() < end;) sample()
  return median(Array.from({ length: 7 }, sample))
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

function main(args) {
  if (args[0] === '--case') return console.log(measure(cases[Number(args[1])]))
  const rounds = Number(args[args.indexOf('--rounds') + 1]) || 3
  const results = cases.map(() => [])
  for (let round = 0; round < rounds; round++) {
    cases.forEach((_, index) => {
      const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--case', String(index)], { encoding: 'utf8' })
      if (child.status !== 0) throw new Error(child.stderr)
      results[index].push(Number(child.stdout))
    })
  }
  console.log(`ns an operation, ${rounds} rounds, Node ${process.versions.node}`)
  cases.forEach(({ group, name }, index) => {
    const baseline = median(results[cases.findIndex((other) => other.group === group)])
    const values = results[index]
    const range = `(${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)})`
    console.log(group.padEnd(10), name.padEnd(20), median(values).toFixed(2).padStart(7), range.padEnd(14), `x${(median(values) / baseline).toFixed(2)}`)
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2))
