// ByteBuf.readInt and writeInt against the same loop over Buffer.readInt32BE and writeInt32BE, 4 KiB a pass.
//
// Run:   npm run bench -- byte-buf
// Read:  nanoseconds an int, median (min-max) of five interleaved rounds; the ratio is to the Buffer case: goal 0.4, must be below 1.

import { Buffer } from 'node:buffer'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { ByteBuf, Storage, Unpooled } from '@knotty/buffer'

const SIZE = 4096
const PASSES = 3000
const WARM_UP_ROUNDS = 3
const ROUNDS = 5

let sink = 0

function readInts(buf: ByteBuf): void {
  buf.setIndex(0, SIZE)
  let sum = 0
  while (buf.readerIndex < SIZE) sum ^= buf.readInt()
  sink ^= sum
}

function writeInts(buf: ByteBuf): void {
  buf.clear()
  for (let i = 0; i < SIZE; i += 4) buf.writeInt(i * 65_537)
}

function readBufferInts(buffer: Buffer): void {
  let sum = 0
  for (let i = 0; i < SIZE; i += 4) sum ^= buffer.readInt32BE(i)
  sink ^= sum
}

function writeBufferInts(buffer: Buffer): void {
  for (let i = 0; i < SIZE; i += 4) buffer.writeInt32BE((i * 65_537) | 0, i)
}

/** Grows, moves, slices and releases a few buffers, so that V8 takes no field of theirs for a constant. */
function wearIn(): void {
  const slab = Buffer.alloc(SIZE)
  for (let i = 0; i < 100; i++) {
    const chunk = ByteBuf.overStorage(new Storage(slab, i, 100, true))
    chunk.retainedSlice(i % 50, 10).skipBytes(2).release()
    if (i % 2 === 0) chunk.storage.moveOut()
    for (let written = 0; written < 100; written += 4) chunk.writeInt(written)
    chunk.release()
  }
}

/** One result of {@link run}: median and range in nanoseconds an int, and the ratio to the Buffer case. */
interface Result {
  readonly name: string
  readonly medianNs: number
  readonly minNs: number
  readonly maxNs: number
  readonly ratio: number
}

/** Runs all cases in turn, round after round. */
export function run(): Result[] {
  wearIn()
  const buffer = Buffer.alloc(SIZE)
  const whole = Unpooled.buffer(SIZE)
  const sliced = Unpooled.buffer(SIZE + 16).slice(8, SIZE)
  const cases: readonly (readonly [name: string, base: string, pass: () => void])[] = [
    ['Buffer.readInt32BE', 'Buffer.readInt32BE', () => readBufferInts(buffer)],
    ['ByteBuf.readInt', 'Buffer.readInt32BE', () => readInts(whole)],
    ['ByteBuf.readInt, slice', 'Buffer.readInt32BE', () => readInts(sliced)],
    ['Buffer.writeInt32BE', 'Buffer.writeInt32BE', () => writeBufferInts(buffer)],
    ['ByteBuf.writeInt', 'Buffer.writeInt32BE', () => writeInts(whole)],
    ['ByteBuf.writeInt, slice', 'Buffer.writeInt32BE', () => writeInts(sliced)],
  ]
  const times = new Map(cases.map(([name]) => [name, [] as number[]]))
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const [name, , pass] of cases) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < PASSES; i++) pass()
      const ns = Number(process.hrtime.bigint() - start) / (PASSES * (SIZE / 4))
      if (round >= WARM_UP_ROUNDS) times.get(name)!.push(ns)
    }
  }
  const sorted = (name: string): number[] => times.get(name)!.sort((a, b) => a - b)
  const median = (name: string): number => sorted(name)[ROUNDS >> 1]!
  return cases.map(([name, base]) => {
    const all = sorted(name)
    return { name, medianNs: median(name), minNs: all[0]!, maxNs: all.at(-1)!, ratio: median(name) / median(base) }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, medianNs, minNs, maxNs, ratio } of run()) {
    const range = `${medianNs.toFixed(2)} (${minNs.toFixed(2)}-${maxNs.toFixed(2)})`
    console.log(`${name.padEnd(26)}${range.padEnd(20)}x${ratio.toFixed(2)}`)
  }
  if (sink === 0.5) console.log(sink)
}
