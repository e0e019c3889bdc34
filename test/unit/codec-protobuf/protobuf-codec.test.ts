import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import { MalformedProtobufError, ProtobufDecoder, ProtobufEncoder } from '@knotty/codec-protobuf'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import { bytesOf, Collector, SlabReader } from '../codec/support.js'
import { encodeAll, expected, Note, note, shown, takeHex } from './support.js'

describe('ProtobufDecoder', () => {
  test('makes one message of each frame and releases it', () => {
    const channel = new EmbeddedChannel(new ProtobufDecoder(Note))
    const frame = Unpooled.copiedBuffer(bytesOf('0a03686579'))
    channel.writeInbound(frame, Unpooled.EMPTY_BUFFER)
    assert.equal(frame.refCnt, 0)
    assert.deepEqual(channel.inboundMessages.map(shown), [expected({ text: 'hey' }), expected({})])
  })

  test('reports a frame that is no message, releases it, and decodes the next', () => {
    const collector = new Collector()
    const channel = new EmbeddedChannel(new ProtobufDecoder(Note), collector)
    const broken = Unpooled.copiedBuffer(bytesOf('0a7f'))
    channel.writeInbound(broken, Unpooled.copiedBuffer(bytesOf('0a03686579')))
    assert.equal(broken.refCnt, 0)
    assert.ok(collector.errors[0] instanceof MalformedProtobufError)
    assert.deepEqual(collector.messages.map(shown), [expected({ text: 'hey' })])
  })

  test('asks for the next read when a frame was no message and AUTO_READ is off, in each of its channels', () => {
    const decoder = new ProtobufDecoder(Note)
    for (let i = 0; i < 2; i++) {
      let reads = 0
      const counter = { read: (ctx: ChannelHandlerContext): void => void (reads++, ctx.read()) }
      const channel = new EmbeddedChannel(counter, decoder, new Collector())
      channel.config.autoRead = false
      reads = 0
      channel.writeInbound(Unpooled.copiedBuffer(bytesOf('0a7f')))
      assert.equal(reads, 1)
      channel.writeInbound(Unpooled.copiedBuffer(bytesOf('0a03686579')))
      assert.equal(reads, 1)
    }
  })

  test('passes on what is no ByteBuf', () => {
    const channel = new EmbeddedChannel(new ProtobufDecoder(Note))
    channel.writeInbound('text')
    assert.equal(channel.readInbound(), 'text')
  })

  test('throws for a type that is none', () => {
    assert.throws(() => new ProtobufDecoder(null as never), IllegalArgumentError)
    assert.throws(() => new ProtobufEncoder('Note' as never), IllegalArgumentError)
  })
})

describe('ProtobufEncoder', () => {
  test('makes one buffer of each message and passes other messages on', () => {
    const channel = new EmbeddedChannel(new ProtobufEncoder(Note))
    channel.writeOutbound({ text: 'hey' }, 'text', {})
    assert.equal(takeHex(channel.readOutbound()), '0a03686579')
    assert.equal(channel.readOutbound(), 'text')
    assert.equal(takeHex(channel.readOutbound()), '')
  })

  test('fails the write of a message that verify finds wrong', () => {
    const { cause } = new EmbeddedChannel(new ProtobufEncoder(Note)).write({ numbers: 5 })
    assert.equal((cause as { code?: string }).code, 'ERR_KNOTTY_PROTOBUF_VERIFY')
  })
})

describe('ProtobufDecoder and ProtobufEncoder behind a length field', () => {
  test('give the same messages whatever chunks they come in, and none of them shares memory with a chunk', () => {
    const inputs = fc.array(note, { maxLength: 5 }).chain((messages) => {
      const wire = encodeAll([new LengthFieldPrepender({ lengthFieldLength: 4 }), new ProtobufEncoder(Note)], messages)
      return fc.tuple(fc.constant({ messages, wire }), chunkingOf(wire))
    })
    fc.assert(
      fc.property(inputs, ([{ messages, wire }, chunks]) => {
        const framer = new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 20, lengthFieldLength: 4, initialBytesToStrip: 4 })
        const collector = new Collector()
        const reader = new SlabReader(new EmbeddedChannel(framer, new ProtobufDecoder(Note), collector))
        for (const chunk of chunks) if (chunk.length > 0) reader.read(chunk)
        assert.deepEqual(collector.messages.map(shown), messages.map(expected))
        assert.deepEqual(collector.errors, [])
        reader.assertReleased()
      }),
    )
  })

  test('survive any frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (frames) => {
        const collector = new Collector()
        const channel = new EmbeddedChannel(new ProtobufDecoder(Note), collector)
        channel.writeInbound(...frames.map((frame) => Unpooled.wrappedBuffer(Buffer.from(frame))))
        assert.equal(collector.messages.length + collector.errors.length, frames.length)
        assert.ok(collector.errors.every((error) => error instanceof MalformedProtobufError))
      }),
    )
  })
})
