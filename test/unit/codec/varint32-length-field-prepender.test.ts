import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { Varint32FrameDecoder, Varint32LengthFieldPrepender } from '@knotty/codec'
import { EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import { eventsOf, takeHex } from './framer-support.js'

describe('Varint32LengthFieldPrepender', () => {
  test('writes length and message as one buffer, exactly full, and releases the message', () => {
    const channel = new EmbeddedChannel(new Varint32LengthFieldPrepender())
    for (const length of [0, 1, 127, 128, 16383, 16384]) {
      const message = Unpooled.copiedBuffer(Buffer.alloc(length, 0x5a))
      channel.writeOutbound(message)
      const written = channel.readOutbound<ByteBuf>()!
      assert.equal(written.readableBytes, length + (length < 128 ? 1 : length < 16384 ? 2 : 3))
      assert.equal(written.capacity, written.readableBytes)
      assert.equal(message.refCnt, 0)
      written.release()
    }
  })

  test('gives a Uint8Array a length too, and passes other messages on', () => {
    const channel = new EmbeddedChannel(new Varint32LengthFieldPrepender())
    channel.writeOutbound(Buffer.from('abc'), 'text')
    assert.equal(takeHex(channel.readOutbound<ByteBuf>()!), '03616263')
    assert.equal(channel.readOutbound(), 'text')
  })

  test('is undone by the frame decoder, and is sharable', () => {
    const prepender = new Varint32LengthFieldPrepender()
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (bodies) => {
        const channel = new EmbeddedChannel(prepender)
        for (const body of bodies) channel.writeOutbound(Unpooled.copiedBuffer(body))
        const chunks = (channel.outboundMessages as ByteBuf[]).map((buffer) => buffer.asBuffer())
        const expected = bodies.map((body) => `buf ${Buffer.from(body).toString('hex')}`)
        assert.deepEqual(eventsOf(new Varint32FrameDecoder(), chunks), expected)
      }),
    )
  })
})
