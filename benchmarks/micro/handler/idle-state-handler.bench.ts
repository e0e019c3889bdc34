// What an IdleStateHandler costs a channel that is busy: per chunk read, and per message written.
//
// Run:   npm run bench -- --filter idle-state
// Read:  nanoseconds a chunk (a message); the ratio is to the same pipeline without the handler.
import { Buffer } from 'node:buffer'
import { bench, pipelineHarness } from '@knotty/bench'
import { IdleStateHandler } from '@knotty/handler'
import type { ChannelHandler } from '@knotty/transport'

const MESSAGES = 64
const MESSAGE = { size: 1 }

const idle = (): ChannelHandler => new IdleStateHandler({ readerIdleMs: 60_000, writerIdleMs: 30_000, allIdleMs: 90_000 })

function reading(...handlers: ChannelHandler[]): () => void {
  const { read } = pipelineHarness(...handlers)
  const chunk = Buffer.alloc(64)
  return () => read(chunk)
}

function writing(...handlers: ChannelHandler[]): () => void {
  const { write, flush } = pipelineHarness(...handlers)
  return () => {
    for (let index = 0; index < MESSAGES; index++) write(MESSAGE)
    flush()
  }
}

bench('read, no handler', () => reading())
bench('read, IdleStateHandler', () => reading(idle()), { compareWith: 'read, no handler' })
bench('write, no handler', () => writing(), { perRun: MESSAGES })
bench('write, IdleStateHandler', () => writing(idle()), { perRun: MESSAGES, compareWith: 'write, no handler' })
