import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { ByteToMessageCodec, EncoderError, TooLongFrameError } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { takeHex } from './framer-support.js'
import { bytesOf } from './support.js'

describe('ByteToMessageCodec', () => {
  class IntCodec extends ByteToMessageCodec<number> {
    constructor() {
      super({ matcher: (msg): msg is number => typeof msg === 'number', maxCumulationBytes: 8 })
    }

    protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
      if (input.readableBytes < 4) return 4 - input.readableBytes
      out.push(input.readInt())
    }

    protected override encode(_ctx: ChannelHandlerContext, msg: number, out: ByteBuf): void {
      if (msg < 0) throw new Error('negative')
      out.writeInt(msg)
    }
  }

  test('decodes bytes and encodes messages of its type', () => {
    const channel = new EmbeddedChannel(new IntCodec())
    channel.writeInbound(Unpooled.wrappedBuffer(bytesOf('0000')), Unpooled.wrappedBuffer(bytesOf('0001')))
    assert.equal(channel.readInbound(), 1)
    channel.writeOutbound(2, 'text')
    assert.equal(takeHex(channel.readOutbound<ByteBuf>()!), '00000002')
    assert.equal(channel.readOutbound(), 'text')
  })

  test('refuses a class in place of options, and takes none', () => {
    class Bytes extends ByteToMessageCodec {
      protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): void {
        out.push(input.readByte())
      }

      protected override encode(_ctx: ChannelHandlerContext, msg: unknown, out: ByteBuf): void {
        out.writeByte(Number(msg))
      }
    }
    for (const wrong of [Date, (): boolean => true, 5, null]) {
      assert.throws(() => new Bytes(wrong as never), (error: unknown) => {
        assert.ok(error instanceof IllegalArgumentError)
        assert.match(error.message, /^options: .* \(expected: super\(\{ matcher, maxCumulationBytes \}\)\)$/)
        return true
      })
    }
    const channel = new EmbeddedChannel(new Bytes())
    channel.writeOutbound('7')
    assert.equal(takeHex(channel.readOutbound<ByteBuf>()!), '07')
  })

  test('fails a write with an EncoderError, and a read with the errors of a decoder', () => {
    const channel = new EmbeddedChannel(new IntCodec())
    assert.ok(channel.write(-1).cause instanceof EncoderError)
    class Hungry extends IntCodec {
      protected override decode(): number {
        return 100
      }
    }
    const hungry = new EmbeddedChannel(new Hungry())
    assert.throws(() => hungry.writeInbound(Unpooled.wrappedBuffer(bytesOf('00'))), TooLongFrameError)
  })
})
