// What a message costs an encoder, with memory of the garbage collector and with pooled memory: allocate, write, copy out as the
// transport does with small messages, release. Cases run in turn, round after round; compare ratios.
//
// Run:   npm run bench -- pooled-allocator
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { ByteBufAllocator, PooledByteBufAllocator, type ByteBuf } from '@knotty/buffer'

const ROUNDS = 41
const WARM_UP_ROUNDS = 8
/** So many messages wait for one flush. */
const QUEUED = 16
/** What the transport does not copy into its slab. */
const COPY_THRESHOLD_BYTES = 4096
const HEADER_BYTES = 16

const slab = Buffer.alloc(COPY_THRESHOLD_BYTES)
const queue: ByteBuf[] = []

function encode(alloc: ByteBufAllocator, payload: Buffer, sized: boolean): void {
  const out = sized ? alloc.buffer(HEADER_BYTES + payload.length) : alloc.buffer()
  out.writeInt(payload.length).writeInt(7).writeInt(1).writeInt(0)
  out.writeBytes(payload)
  queue.push(out)
}

function flush(): void {
  for (const out of queue) {
    if (out.readableBytes < COPY_THRESHOLD_BYTES) out.copyReadableTo(slab, 0)
    out.release()
  }
  queue.length = 0
}

/** One result of {@link run}: median and range in nanoseconds a message, and the median of the rounds' ratios to the unpooled twin. */
interface Result {
  readonly name: string
  readonly medianNs: number
  readonly minNs: number
  readonly maxNs: number
  readonly ratio: number
}

/** Runs all cases in turn, round after round. */
function run(): Result[] {
  const allocators = [
    ['unpooled', new ByteBufAllocator()],
    ['pooled', new PooledByteBufAllocator({ poison: false })],
  ] as const
  const cases = [64, 1024, 16384].flatMap((bytes) =>
    [false, true].flatMap((sized) =>
      allocators.map(([kind, alloc]) => ({
        name: `${bytes} B, ${sized ? 'sized' : 'growing'}, ${kind}`,
        alloc,
        sized,
        payload: Buffer.alloc(bytes - HEADER_BYTES, 1),
        flushes: bytes === 16384 ? 64 : 512,
        times: [] as number[],
      })),
    ),
  )
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const { alloc, payload, sized, flushes, times } of cases) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < flushes; i++) {
        for (let queued = 0; queued < QUEUED; queued++) encode(alloc, payload, sized)
        flush()
      }
      const ns = Number(process.hrtime.bigint() - start) / (flushes * QUEUED)
      if (round >= WARM_UP_ROUNDS) times.push(ns)
    }
  }
  return cases.map(({ name, times }, index) => {
    const base = cases[index & ~1]!.times
    const { median, min, max } = spread(times)
    return { name, medianNs: median, minNs: min, maxNs: max, ratio: spread(times.map((ns, round) => ns / base[round]!)).median }
  })
}

function spread(values: readonly number[]): { median: number; min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: sorted[sorted.length >> 1]!, min: sorted[0]!, max: sorted.at(-1)! }
}

for (const { name, medianNs, minNs, maxNs, ratio } of run()) {
  const range = `${medianNs.toFixed(0)} ns (${minNs.toFixed(0)}-${maxNs.toFixed(0)})`
  console.log(`${name.padEnd(28)}${range.padEnd(26)}x${ratio.toFixed(2)}`)
}
