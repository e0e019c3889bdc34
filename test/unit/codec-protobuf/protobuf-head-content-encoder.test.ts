import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { EncoderError } from '@knotty/codec'
import { type HeadContentOptions, ProtobufHeadContentEncoder } from '@knotty/codec-protobuf'
import { EmbeddedChannel } from '@knotty/transport'
import { Note, takeHex } from './support.js'

function encoding(options: Partial<HeadContentOptions> = {}): EmbeddedChannel {
  return new EmbeddedChannel(new ProtobufHeadContentEncoder({ type: Note, ...options }))
}

function refusal(channel: EmbeddedChannel, message: unknown): EncoderError {
  const { cause } = channel.write(message)
  assert.ok(cause instanceof EncoderError)
  channel.flush()
  assert.deepEqual(channel.outboundMessages, [], 'nothing is written')
  return cause
}

describe('ProtobufHeadContentEncoder', () => {
  test('writes header and body as one buffer of exactly their size', () => {
    const channel = encoding()
    channel.writeOutbound(Note.create({ text: 'hey' }))
    const frame = channel.readOutbound<ByteBuf>()!
    assert.equal(frame.capacity, 13)
    assert.equal(takeHex(frame), '4b4e0001000000050a03686579')
    assert.equal(channel.readOutbound(), undefined)
  })

  test('takes plain objects, and writes the header it was given', () => {
    const channel = encoding({ magic: 0xcafe, version: 255, versionFieldLength: 1, lengthFieldLength: 2 })
    channel.writeOutbound({ text: 'hey' }, {})
    assert.equal(takeHex(channel.readOutbound()), 'cafeff00050a03686579')
    assert.equal(takeHex(channel.readOutbound()), 'cafeff0000')
  })

  test('keeps nothing of a message that is changed after the write', () => {
    const channel = encoding()
    const data = Buffer.from('abc')
    channel.write({ data })
    data.fill(0)
    channel.writeOutbound({ text: 'x'.repeat(500) })
    assert.equal(takeHex(channel.readOutbound()), '4b4e0001000000051203616263')
    channel.releaseOutbound()
  })

  test('passes bytes, lists, text and null on', () => {
    const channel = encoding()
    const passed = [Unpooled.copiedBuffer('a'), new Uint8Array(1), ['a'], 'text', 5]
    channel.writeOutbound(...passed)
    assert.deepEqual(channel.outboundMessages, passed)
  })

  test('refuses a message that verify finds wrong, instead of sending what protobufjs makes of it', () => {
    const error = refusal(encoding(), { text: 5 })
    assert.equal(error.code, 'ERR_KNOTTY_PROTOBUF_VERIFY')
    assert.equal(error.message, 'this is no Note: text: string expected')
  })

  test('refuses a message above the limit that the peer would not take', () => {
    const channel = encoding({ maxBodyLength: 4 })
    const error = refusal(channel, { text: 'hey' })
    assert.equal(error.code, 'ERR_KNOTTY_PROTOBUF_TOO_LONG')
    assert.equal(error.message, 'maxBodyLength: 4 exceeded by a message of 5 bytes')
    channel.writeOutbound({ text: 'he' })
    assert.equal(takeHex(channel.readOutbound()), '4b4e0001000000040a026865')
  })

  test('fails the write when the type cannot encode, with its error as cause', () => {
    const thrown = new Error('no')
    const type = {
      decode: (): object => ({}),
      encode: (): never => {
        throw thrown
      },
    }
    const error = refusal(encoding({ type }), {})
    assert.equal(error.code, 'ERR_KNOTTY_ENCODER')
    assert.equal(error.cause, thrown)
  })

  test('may be shared by all channels', () => {
    const encoder = new ProtobufHeadContentEncoder({ type: Note })
    for (const channel of [new EmbeddedChannel(encoder), new EmbeddedChannel(encoder)]) {
      channel.writeOutbound({ text: 'hey' })
      assert.equal(takeHex(channel.readOutbound()), '4b4e0001000000050a03686579')
    }
  })
})
