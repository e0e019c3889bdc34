import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DecoderError, EncoderError, MessageToMessageCodec } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'

const boom = new Error('boom')

describe('MessageToMessageCodec', () => {
  class Codec extends MessageToMessageCodec<string, number> {
    constructor() {
      super({
        inbound: (msg): msg is string => typeof msg === 'string',
        outbound: (msg): msg is number => typeof msg === 'number',
      })
    }

    protected override decode(_ctx: ChannelHandlerContext, msg: string, out: unknown[]): void {
      out.push(Number(msg))
    }

    protected override encode(_ctx: ChannelHandlerContext, msg: number, out: unknown[]): void {
      out.push(String(msg))
    }
  }

  test('decodes inbound and encodes outbound messages of its types, and passes others on', () => {
    const channel = new EmbeddedChannel(new Codec())
    channel.writeInbound('12', true)
    assert.deepEqual(channel.inboundMessages, [12, true])
    channel.writeOutbound(13, false)
    assert.deepEqual(channel.outboundMessages, ['13', false])
  })

  test('refuses classes in place of options, and takes none', () => {
    class Passes extends MessageToMessageCodec {
      protected override decode(_ctx: ChannelHandlerContext, msg: unknown, out: unknown[]): void {
        out.push(msg)
      }

      protected override encode(_ctx: ChannelHandlerContext, msg: unknown, out: unknown[]): void {
        out.push(msg)
      }
    }
    for (const wrong of [Date, (): boolean => true, 5, null]) {
      assert.throws(() => new Passes(wrong as never), (error: unknown) => {
        assert.ok(error instanceof IllegalArgumentError)
        assert.match(error.message, /^options: .* \(expected: super\(\{ inbound, outbound \}\)\)$/)
        return true
      })
    }
    const channel = new EmbeddedChannel(new Passes())
    channel.writeInbound('x')
    assert.deepEqual(channel.inboundMessages, ['x'])
  })

  test('reports errors of either direction as its own kind', () => {
    class Failing extends MessageToMessageCodec {
      protected override decode(): void {
        throw boom
      }

      protected override encode(): void {
        throw boom
      }
    }
    const channel = new EmbeddedChannel(new Failing())
    assert.throws(() => channel.writeInbound('x'), DecoderError)
    assert.ok(channel.write('x').cause instanceof EncoderError)
  })
})
