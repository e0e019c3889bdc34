// Cost per message against how many wait: 1 to 100,000 messages of 64 bytes written, then flushed and
//
//   sent        taken by the kernel in requests of at most 1 MiB, in order
//   failed      all failed, as when a connection is lost
//   cancelled   the promises cancelled before the flush, the last message first
//
// Run:   npm run bench -- --filter outstanding-writes
// Read:  nanoseconds a message, with the write. What bends a curve is written at the case.
import { bench } from '@knotty/bench'
import { ByteBuf, Storage } from '@knotty/buffer'
import { type ChannelPromise, EmbeddedChannel, OutboundBuffer } from '@knotty/transport'
import { sendAll } from './embedded-socket.js'

const COUNTS = [1, 10, 100, 1000, 10_000, 100_000]
const MESSAGE_BYTES = 64
const CACHES = { note: 'beyond some 10,000 messages the entries and buffers of the queue no longer fit into the caches, and survive a collection' }
const memory = Buffer.alloc(1 << 16)

const message = (index: number): ByteBuf => {
  const storage = new Storage(memory, (index % 1024) * MESSAGE_BYTES, MESSAGE_BYTES, false)
  return ByteBuf.overStorage(storage)
}

for (const count of COUNTS) {
  const options = { perRun: count, ...(count > 10_000 ? CACHES : {}) }
  const lost = new Error('lost')
  bench(
    `sent, ${count} outstanding`,
    () => {
      const outbound = new OutboundBuffer(new EmbeddedChannel())
      return () => {
        for (let index = 0; index < count; index++) outbound.addMessage(message(index), null)
        outbound.addFlush()
        sendAll(outbound)
      }
    },
    options,
  )
  bench(
    `failed, ${count} outstanding`,
    () => {
      const outbound = new OutboundBuffer(new EmbeddedChannel())
      return () => {
        for (let index = 0; index < count; index++) outbound.addMessage(message(index), null)
        outbound.addFlush()
        outbound.failFlushed(lost, true)
      }
    },
    options,
  )
  bench(
    `cancelled, ${count} outstanding`,
    () => {
      const channel = new EmbeddedChannel()
      const outbound = new OutboundBuffer(channel)
      return () => {
        const promises: ChannelPromise[] = []
        for (let index = 0; index < count; index++) {
          const promise = channel.newPromise()
          promises.push(promise)
          outbound.addMessage(message(index), promise)
        }
        for (let index = count - 1; index >= 0; index--) promises[index]!.cancel()
        outbound.addFlush()
        sendAll(outbound)
      }
    },
    options,
  )
}
