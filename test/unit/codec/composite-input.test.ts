import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { ByteToMessageDecoder, LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import { chunkingOf } from '@knotty/testing'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'

const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 8 })

function framesOf(contents: readonly Uint8Array[]): Buffer {
  return Buffer.concat(contents.flatMap((body) => [Buffer.of(0, body.length), body]))
}

function inboundOf(channel: EmbeddedChannel): string[] {
  const messages: string[] = []
  for (let msg = channel.readInbound<ByteBuf>(); msg !== undefined; msg = channel.readInbound<ByteBuf>()) {
    messages.push(msg.toString('hex'))
    msg.release()
  }
  return messages
}

test('a frame decoder that is fed with composites gives the frames it gives for plain chunks, and everything is released', () => {
  const property = fc.property(bodies, fc.infiniteStream(fc.nat(5)), (contents, sizes) => {
    const bytes = framesOf(contents)
    const channel = new EmbeddedChannel(new LengthFieldBasedFrameDecoder({ maxFrameLength: 100, lengthFieldLength: 2, initialBytesToStrip: 2 }))
    const components: ByteBuf[] = []
    for (let at = 0; at < bytes.length; ) {
      const composite = Unpooled.compositeBuffer(100)
      for (let count = 0; count < 6 && at < bytes.length; count++) {
        const length = sizes.next().value
        const component = Unpooled.copiedBuffer(bytes.subarray(at, at + length))
        components.push(component)
        composite.addComponent(true, component)
        at += length
      }
      channel.writeInbound(composite)
    }
    assert.deepEqual(inboundOf(channel), contents.map((body) => Buffer.from(body).toString('hex')))
    channel.finish()
    assert.ok(components.every(({ refCnt }) => refCnt === 0))
  })
  fc.assert(property, { numRuns: 200 })
})

class Ints extends ByteToMessageDecoder {
  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    if (input.readableBytes < 8) return 8 - input.readableBytes
    out.push(input.readLong())
  }
}

test('a decoder reads numbers across the borders of a composite and keeps what is left over', () => {
  const bytes = Buffer.from(Array.from({ length: 80 }, (_, index) => index * 7))
  const chunkings = chunkingOf(bytes).chain((chunks) => fc.tuple(...chunks.map((chunk) => chunkingOf(chunk))))
  const expected = Array.from({ length: 10 }, (_, index) => bytes.readBigInt64BE(index * 8))
  fc.assert(
    fc.property(chunkings, (chunks) => {
      const channel = new EmbeddedChannel(new Ints())
      for (const parts of chunks) {
        channel.writeInbound(Unpooled.compositeBuffer(100).addComponents(true, ...parts.map((part) => Unpooled.copiedBuffer(part))))
      }
      const longs: unknown[] = []
      for (let msg = channel.readInbound(); msg !== undefined; msg = channel.readInbound()) longs.push(msg)
      assert.deepEqual(longs, expected)
    }),
    { numRuns: 200 },
  )
})

test('a prepender frames a composite as one message', () => {
  const channel = new EmbeddedChannel(new LengthFieldPrepender({ lengthFieldLength: 2 }))
  const composite = Unpooled.compositeBuffer().addComponents(true, Unpooled.copiedBuffer('ab'), Unpooled.copiedBuffer('cde'))
  channel.writeOutbound(composite)
  let sent = ''
  for (let msg = channel.readOutbound<ByteBuf>(); msg !== undefined; msg = channel.readOutbound<ByteBuf>()) sent += msg.toString('latin1')
  assert.equal(sent, '\0\x05abcde')
})
