// What a message costs an encoder, with memory of the garbage collector and with pooled memory: allocate, write, copy out as the
// transport does with small messages, release.
//
// Run:   npm run bench -- --filter pooled-allocator
// Read:  nanoseconds a message; the ratio is to the same with unpooled memory.
import { Buffer } from 'node:buffer'
import { bench } from '@knotty/bench'
import { ByteBufAllocator, PooledByteBufAllocator, type ByteBuf } from '@knotty/buffer'

/** So many messages wait for one flush. */
const QUEUED = 16
/** What the transport does not copy into its slab. */
const COPY_THRESHOLD_BYTES = 4096
const HEADER_BYTES = 16

function encoder(alloc: ByteBufAllocator, bytes: number, sized: boolean): () => unknown {
  const payload = Buffer.alloc(bytes - HEADER_BYTES, 1)
  const slab = Buffer.alloc(COPY_THRESHOLD_BYTES)
  const queue: ByteBuf[] = []
  return () => {
    for (let queued = 0; queued < QUEUED; queued++) {
      const out = sized ? alloc.buffer(HEADER_BYTES + payload.length) : alloc.buffer()
      out.writeInt(payload.length).writeInt(7).writeInt(1).writeInt(0)
      out.writeBytes(payload)
      queue.push(out)
    }
    for (const out of queue) {
      if (out.readableBytes < COPY_THRESHOLD_BYTES) out.copyReadableTo(slab, 0)
      out.release()
    }
    queue.length = 0
  }
}

for (const bytes of [64, 1024, 16_384]) {
  for (const sized of [false, true]) {
    const name = `${bytes} B, ${sized ? 'sized' : 'growing'}`
    bench(`${name}, unpooled`, () => encoder(new ByteBufAllocator(), bytes, sized), { perRun: QUEUED })
    bench(`${name}, pooled`, () => encoder(new PooledByteBufAllocator({ poison: false }), bytes, sized), {
      perRun: QUEUED,
      compareWith: `${name}, unpooled`,
    })
  }
}
