import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { CorruptedFrameError, TooLongFrameError, Varint32FrameDecoder, Varint32LengthFieldPrepender } from '@knotty/codec'
import { MalformedProtobufError, ProtobufDecoder, ProtobufEncoder } from '@knotty/codec-protobuf'
import { chunkingOf } from '@knotty/testing'
import { EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import protobuf from 'protobufjs'
import { bytesOf, Collector, SlabReader } from '../codec/support.js'
import { encodeAll, expected, Note, note, shown } from './support.js'

function decoding(maxFrameLength = 1 << 20): { collector: Collector; reader: SlabReader } {
  const collector = new Collector()
  const channel = new EmbeddedChannel(new Varint32FrameDecoder({ maxFrameLength }), new ProtobufDecoder(Note), collector)
  return { collector, reader: new SlabReader(channel) }
}

describe('plain protobuf with a varint32 length', () => {
  test('writes what the decodeDelimited of protobufjs reads', () => {
    fc.assert(
      fc.property(fc.array(note, { maxLength: 5 }), (messages) => {
        const reader = protobuf.Reader.create(encodeAll([new Varint32LengthFieldPrepender(), new ProtobufEncoder(Note)], messages))
        const decoded = messages.map(() => Note.decodeDelimited(reader))
        assert.deepEqual(decoded.map(shown), messages.map(expected))
        assert.equal(reader.pos, reader.len)
      }),
    )
  })

  test('reads what the encodeDelimited of protobufjs writes, whatever chunks it comes in', () => {
    const inputs = fc.array(note, { maxLength: 5 }).chain((messages) => {
      const wire = Buffer.concat(messages.map((message) => Note.encodeDelimited(message).finish()))
      return fc.tuple(fc.constant({ messages, wire }), chunkingOf(wire))
    })
    fc.assert(
      fc.property(inputs, ([{ messages, wire }, chunks]) => {
        const { collector, reader } = decoding()
        for (const chunk of chunks) if (chunk.length > 0) reader.read(chunk)
        assert.deepEqual(collector.messages.map(shown), messages.map(expected))
        assert.deepEqual(collector.errors, [])
        reader.assertReleased()
      }),
    )
  })

  test('survives any bytes with typed errors only, and holds nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { collector, reader } = decoding(50)
        reader.read(Buffer.from(bytes))
        const isTyped = (error: Error): boolean =>
          error instanceof MalformedProtobufError || error instanceof CorruptedFrameError || error instanceof TooLongFrameError
        assert.deepEqual(collector.errors.filter((error) => !isTyped(error)), [])
        reader.assertReleased()
      }),
    )
  })

  test('refuses a length above the limit', () => {
    const { collector, reader } = decoding(4)
    reader.read(bytesOf('05 0a03686579'))
    assert.ok(collector.errors[0] instanceof TooLongFrameError)
    assert.deepEqual(collector.messages, [])
  })
})
