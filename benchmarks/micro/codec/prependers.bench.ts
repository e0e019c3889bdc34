// Prependers: what the length before a message costs, from write() to the place in the outbound buffer and its share of the flush.
//
// Run:   npm run bench -- --filter prependers
// Read:  nanoseconds a message of 64 bytes; the ratio is to the same pipeline without a prepender.
import { bench, pipelineHarness } from '@knotty/bench'
import { Unpooled } from '@knotty/buffer'
import { LengthFieldPrepender, Varint32LengthFieldPrepender } from '@knotty/codec'
import type { ChannelHandler } from '@knotty/transport'

const MESSAGES = 64

function writing(...handlers: ChannelHandler[]): () => void {
  const { write, flush } = pipelineHarness(...handlers)
  const body = Unpooled.buffer(64).writeZero(64)
  return () => {
    for (let index = 0; index < MESSAGES; index++) write(body.retain())
    flush()
  }
}

bench('no prepender', () => writing(), { perRun: MESSAGES })
for (const [name, make] of [
  ['length field', () => new LengthFieldPrepender({ lengthFieldLength: 4 })],
  ['varint', () => new Varint32LengthFieldPrepender()],
] as const) {
  bench(name, () => writing(make()), { perRun: MESSAGES, compareWith: 'no prepender' })
}
