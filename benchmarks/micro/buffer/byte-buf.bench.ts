// ByteBuf.readInt and writeInt against the same loop over Buffer.readInt32BE and writeInt32BE, 4 KiB a pass.
//
// Run:   npm run bench -- --filter byte-buf
// Read:  nanoseconds an int; the ratio is to the Buffer case: must be below 1, goal 0.4.
import { Buffer } from 'node:buffer'
import { bench } from '@knotty/bench'
import { ByteBuf, Storage, Unpooled } from '@knotty/buffer'

const SIZE = 4096
const OPTIONS = { perRun: SIZE / 4 }
const LIMITS = { ...OPTIONS, must: 1, goal: 0.4 }

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

const whole = (): ByteBuf => Unpooled.buffer(SIZE)
const sliced = (): ByteBuf => Unpooled.buffer(SIZE + 16).slice(8, SIZE)

function reading(make: () => ByteBuf): () => unknown {
  wearIn()
  const buf = make()
  return () => {
    buf.setIndex(0, SIZE)
    let sum = 0
    while (buf.readerIndex < SIZE) sum ^= buf.readInt()
    return sum
  }
}

function writing(make: () => ByteBuf): () => unknown {
  wearIn()
  const buf = make()
  return () => {
    buf.clear()
    for (let i = 0; i < SIZE; i += 4) buf.writeInt(i * 65_537)
  }
}

bench('Buffer.readInt32BE', () => {
  const buffer = Buffer.alloc(SIZE)
  return () => {
    let sum = 0
    for (let i = 0; i < SIZE; i += 4) sum ^= buffer.readInt32BE(i)
    return sum
  }
}, OPTIONS)
bench('ByteBuf.readInt', () => reading(whole), { ...LIMITS, compareWith: 'Buffer.readInt32BE' })
bench('ByteBuf.readInt, slice', () => reading(sliced), { ...LIMITS, compareWith: 'Buffer.readInt32BE' })
bench('Buffer.writeInt32BE', () => {
  const buffer = Buffer.alloc(SIZE)
  return () => {
    for (let i = 0; i < SIZE; i += 4) buffer.writeInt32BE((i * 65_537) | 0, i)
  }
}, OPTIONS)
bench('ByteBuf.writeInt', () => writing(whole), { ...LIMITS, compareWith: 'Buffer.writeInt32BE' })
bench('ByteBuf.writeInt, slice', () => writing(sliced), { ...LIMITS, compareWith: 'Buffer.writeInt32BE' })
