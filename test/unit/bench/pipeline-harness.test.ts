import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { FixedLengthFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'
import { pipelineHarness } from '../../../../packages/bench/dist/pipeline-harness.js'

describe('pipelineHarness', () => {
  test('counts and releases what reaches the tail, and leaves the chunk as it is', () => {
    const seen: ByteBuf[] = []
    const watch = { channelRead: (ctx: ChannelHandlerContext, msg: ByteBuf) => void (seen.push(msg), ctx.fireChannelRead(msg)) }
    const harness = pipelineHarness(new FixedLengthFrameDecoder({ frameLength: 4 }), watch)
    const chunk = Buffer.from('aaaabbbbcc')
    harness.read(chunk)
    assert.equal(harness.inbound, 2)
    harness.read(chunk)
    assert.equal(harness.inbound, 5)
    assert.equal(chunk.toString(), 'aaaabbbbcc')
    assert.deepEqual(seen.map((frame) => frame.refCnt), [0, 0, 0, 0, 0])
  })

  test('what a handler keeps of a chunk is its own afterwards', () => {
    let kept: ByteBuf | undefined
    const { read } = pipelineHarness({ channelRead: (_ctx: ChannelHandlerContext, msg: ByteBuf) => void (kept = msg) })
    const chunk = Buffer.from('kept')
    read(chunk)
    chunk.fill('x')
    assert.equal(kept!.toString('utf8'), 'kept')
    kept!.release()
  })

  test('counts and releases what reaches the head with a flush', () => {
    const harness = pipelineHarness(new LengthFieldPrepender({ lengthFieldLength: 4 }))
    const body = Unpooled.copiedBuffer('hi', 'utf8')
    harness.write(body)
    assert.equal(harness.outbound, 0)
    harness.flush()
    assert.equal(harness.outbound, 2, 'the length and the body')
    assert.equal(body.refCnt, 0)
  })

  test('gives any message to the handlers, and channelReadComplete', () => {
    let completed = 0
    const harness = pipelineHarness({ channelReadComplete: () => void completed++ })
    harness.readMessage('text')
    assert.deepEqual([harness.inbound, completed], [1, 1])
  })

  test('throws what a handler throws, in either direction', () => {
    const fails = (_ctx: ChannelHandlerContext): never => {
      throw new Error('on purpose')
    }
    const reads = pipelineHarness({ channelRead: fails })
    assert.throws(() => reads.read(Buffer.from('x')), /on purpose/)
    const writes = pipelineHarness({ write: fails })
    assert.throws(() => {
      writes.write('x')
      writes.flush()
    }, /on purpose/)
    assert.throws(() => pipelineHarness({ handlerAdded: fails }), /on purpose/)
  })

  test('throws when a handler closes the channel', () => {
    const { read } = pipelineHarness({ channelRead: (ctx: ChannelHandlerContext) => void ctx.close() })
    assert.throws(() => read(Buffer.from('x')), /closed the channel/)
  })
})
