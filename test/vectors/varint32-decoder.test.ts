import assert from 'node:assert/strict'
import { type ByteBuf, ByteBufUtil } from '@knotty/buffer'
import { Varint32FrameDecoder, Varint32LengthFieldPrepender } from '@knotty/codec'
import { EmbeddedChannel } from '@knotty/transport'
import { type ChunkCase, chunkOf } from './decoder-support.js'
import { runFrameCase } from './frame-decoder-file.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

interface DecodeCase extends VectorCase, ChunkCase {
  readonly config: { readonly kind: 'decode' }
}

interface EncodeCase extends VectorCase {
  readonly config: { readonly kind: 'encode' }
  readonly messages: readonly string[]
  readonly expect: readonly (readonly string[])[]
}

/** Netty's decoder has no limit. */
const NO_LIMIT = 0x7fffffff

function runEncode(vector: EncodeCase): void {
  const channel = new EmbeddedChannel(new Varint32LengthFieldPrepender())
  vector.messages.forEach((hex, index) => {
    const message = chunkOf(hex)
    channel.writeOutbound(message)
    const written = channel.outboundMessages.splice(0) as ByteBuf[]
    const shown = written.map((buffer) => ByteBufUtil.hexDump(buffer))
    for (const buffer of written) buffer.release()
    assert.deepEqual(shown, vector.expect[index], hex)
    assert.equal(message.refCnt, 0)
  })
  assert.equal(vector.expect.length, vector.messages.length)
}

testVectorFile<DecodeCase | EncodeCase>({
  file: 'varint32-decoder',
  listed: {},
  expectationKeys: ['expect', 'finish', 'constructor'],
  run(vector) {
    if ('messages' in vector) runEncode(vector)
    else runFrameCase(vector, () => new Varint32FrameDecoder({ maxFrameLength: NO_LIMIT }))
  },
})
