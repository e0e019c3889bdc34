import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteBuf, Storage } from '@knotty/buffer'
import { EmbeddedChannel } from '@knotty/transport'
import { noteReader, noteWritten, reportHeldChunk } from '../../../../../packages/transport/dist/channel/held-chunk.js'
import type { OutboundBuffer } from '../../../../../packages/transport/dist/channel/outbound-buffer.js'

/** A chunk of a read slab. */
function chunk(): ByteBuf {
  return ByteBuf.overStorage(new Storage(Buffer.alloc(8), 0, 8, true))
}

test('where an earlier chunk was written to is forgotten with the next one', () => {
  const channel = new EmbeddedChannel({})
  const ctx = channel.pipeline.context(channel.pipeline.names[0]!)!
  const asked: string[] = []
  const buffer = (name: string): OutboundBuffer => ({ holds: () => asked.push(name) > 0 }) as unknown as OutboundBuffer
  const [first, second] = [chunk(), chunk()]
  noteReader(ctx, first)
  noteWritten(first, buffer('of the first'))
  noteReader(ctx, second)
  noteReader(ctx, second) // by the next handler
  noteWritten(second, buffer('of the second'))
  noteReader(ctx, second)
  reportHeldChunk(channel, second.storage)
  assert.deepEqual(asked, ['of the second'])
  channel.finish()
})
