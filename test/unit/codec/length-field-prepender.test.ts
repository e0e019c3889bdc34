import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, ByteBufUtil, Unpooled } from '@knotty/buffer'
import { EncoderError, LengthFieldBasedFrameDecoder, LengthFieldPrepender, type LengthFieldPrependerOptions } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { type ChannelHandler, type ChannelHandlerContext, type ChannelPromise, EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import { decoding } from './support.js'

const body = (): ByteBuf => Unpooled.copiedBuffer('hello', 'utf8')

/** Before the prepender: does something else with the `n`-th message than to pass it on. */
class Interceptor implements ChannelHandler {
  readonly writes: [msg: unknown, promise: ChannelPromise | null][] = []
  private readonly action: (index: number) => void

  constructor(action: (index: number) => void = () => undefined) {
    this.action = action
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    this.writes.push([msg, promise])
    this.action(this.writes.length - 1)
    ctx.write(msg, promise)
  }
}

describe('LengthFieldPrepender', () => {
  test('writes header and body as two messages, the body as it is', () => {
    const channel = new EmbeddedChannel(new LengthFieldPrepender({ lengthFieldLength: 4 }))
    const message = body()
    channel.writeOutbound(message)
    const header = channel.readOutbound<ByteBuf>()!
    assert.equal(ByteBufUtil.hexDump(header), '00000005')
    assert.equal(header.refCnt, 1)
    assert.equal(channel.readOutbound(), message)
    assert.equal(message.refCnt, 1)
  })

  test('gives a Uint8Array a length too, and passes other messages on', () => {
    const channel = new EmbeddedChannel(new LengthFieldPrepender({ lengthFieldLength: 1 }))
    channel.writeOutbound(Buffer.from('abc'), 'text')
    assert.equal(ByteBufUtil.hexDump(channel.readOutbound<ByteBuf>()!), '03')
    assert.deepEqual(channel.readOutbound(), Buffer.from('abc'))
    assert.equal(channel.readOutbound(), 'text')
  })

  test('is undone by the frame decoder with the same options', () => {
    const options = fc.record({
      lengthFieldLength: fc.constantFrom(1, 2, 3, 4, 8),
      lengthIncludesLengthFieldLength: fc.boolean(),
      byteOrder: fc.constantFrom<'BE' | 'LE'>('BE', 'LE'),
    })
    fc.assert(
      fc.property(options, fc.array(fc.uint8Array({ maxLength: 200 })), (config: LengthFieldPrependerOptions, bodies) => {
        const channel = new EmbeddedChannel(new LengthFieldPrepender(config))
        for (const each of bodies) channel.writeOutbound(Unpooled.copiedBuffer(each))
        const { lengthFieldLength, lengthIncludesLengthFieldLength } = config
        const { collector, reader } = decoding(
          new LengthFieldBasedFrameDecoder({
            ...config,
            maxFrameLength: 1000,
            initialBytesToStrip: lengthFieldLength,
            lengthAdjustment: lengthIncludesLengthFieldLength === true ? -lengthFieldLength : 0,
          }),
        )
        const wire = (channel.outboundMessages as ByteBuf[]).map((buffer) => Buffer.from(ByteBufUtil.hexDump(buffer), 'hex'))
        reader.read(Buffer.concat(wire))
        assert.deepEqual(collector.takeFrames(), bodies.map((each) => Buffer.from(each).toString('hex')))
      }),
    )
  })

  test('writes lengths up to 2^53 in 8 bytes', () => {
    for (const [byteOrder, hex] of [['BE', '001ffffffffffffa'], ['LE', 'faffffffffff1f00']] as const) {
      const lengthAdjustment = Number.MAX_SAFE_INTEGER - 10
      const channel = new EmbeddedChannel(new LengthFieldPrepender({ lengthFieldLength: 8, lengthAdjustment, byteOrder }))
      channel.writeOutbound(body())
      assert.equal(ByteBufUtil.hexDump(channel.readOutbound<ByteBuf>()!), hex)
    }
  })

  test('refuses a length that does not fit the field, naming both; nothing is written and the body is released', () => {
    const cases: [LengthFieldPrependerOptions, RegExp][] = [
      [{ lengthFieldLength: 1, lengthAdjustment: 251 }, /length 256 of a message of 5 bytes .*lengthFieldLength: 1 \(holds 0\.\.255\)/],
      [{ lengthFieldLength: 2, lengthAdjustment: 65531 }, /length 65536 /],
      [{ lengthFieldLength: 3, lengthAdjustment: 2 ** 24 - 5 }, /length 16777216 /],
      [{ lengthFieldLength: 4, lengthAdjustment: 2 ** 32 - 5 }, /length 4294967296 /],
      [{ lengthFieldLength: 8, lengthAdjustment: -6 }, /length -1 /],
    ]
    for (const [options, message] of cases) {
      const channel = new EmbeddedChannel(new LengthFieldPrepender(options))
      const refused = body()
      const { cause } = channel.write(refused)
      assert.ok(cause instanceof EncoderError)
      assert.ok(cause.cause instanceof IllegalArgumentError)
      assert.match(cause.message, message)
      assert.equal(refused.refCnt, 0)
      assert.equal(channel.finish(), false)
    }
  })

  test('refuses options that no length field can have', () => {
    assert.throws(() => new LengthFieldPrepender({ lengthFieldLength: 5 }), /lengthFieldLength: 5 .*1, 2, 3, 4 or 8/)
    assert.throws(() => new LengthFieldPrepender({} as LengthFieldPrependerOptions), IllegalArgumentError)
    assert.throws(() => new LengthFieldPrepender({ lengthFieldLength: 2, byteOrder: 'be' as 'BE' }), IllegalArgumentError)
    assert.throws(() => new LengthFieldPrepender({ lengthFieldLength: 2, lengthAdjustment: Number.NaN }), IllegalArgumentError)
  })

  test('may be shared by all channels', () => {
    const prepender = new LengthFieldPrepender({ lengthFieldLength: 2 })
    const channels = [new EmbeddedChannel(prepender), new EmbeddedChannel(prepender)]
    for (const channel of channels) {
      channel.writeOutbound(body())
      assert.equal(channel.outboundMessages.length, 2)
    }
  })
})

describe('the promise of the write', () => {
  test('goes with the body', () => {
    const interceptor = new Interceptor()
    const channel = new EmbeddedChannel(interceptor, new LengthFieldPrepender({ lengthFieldLength: 2 }))
    const promise = channel.newPromise()
    channel.write(body(), promise)
    assert.equal(interceptor.writes[1]?.[1], promise)
    assert.equal(promise.isDone, false)
    channel.flush()
    assert.equal(promise.isSuccess, true)
  })

  test('is null for both when nobody watches', () => {
    const interceptor = new Interceptor()
    const channel = new EmbeddedChannel(interceptor, new LengthFieldPrepender({ lengthFieldLength: 2 }))
    assert.equal(channel.writeAndFlush(body(), null), null)
    assert.deepEqual(interceptor.writes.map(([, promise]) => promise), [null, null])
    assert.equal(channel.outboundMessages.length, 2)
  })

  test('fails when the header cannot be written, and then the body is not written', () => {
    const refuse = new Interceptor((index) => {
      if (index === 0) throw new Error('no header')
    })
    const channel = new EmbeddedChannel(refuse, new LengthFieldPrepender({ lengthFieldLength: 2 }))
    const message = body()
    const future = channel.writeAndFlush(message)
    assert.equal(future.cause?.message, 'no header')
    assert.equal(refuse.writes.length, 1)
    assert.equal(message.refCnt, 0)
    assert.deepEqual(channel.outboundMessages, [])
  })

  test('fails when the header fails later, although the body could still be written', () => {
    const held = new Interceptor()
    held.write = (_ctx, msg, promise) => void held.writes.push([msg, promise])
    const channel = new EmbeddedChannel(held, new LengthFieldPrepender({ lengthFieldLength: 2 }))
    const future = channel.write(body())
    held.writes[0]?.[1]?.tryFailure(new Error('no header'))
    assert.equal(held.writes[1]?.[1]?.trySuccess(), false)
    assert.equal(future.cause?.message, 'no header')
  })

  test('cannot be cancelled any more, because the header alone would put the peer out of step', () => {
    const channel = new EmbeddedChannel(new LengthFieldPrepender({ lengthFieldLength: 2 }))
    const future = channel.write(body())
    assert.equal(future.cancel(), false)
    channel.flush()
    assert.equal(future.isSuccess, true)
    assert.equal(channel.outboundMessages.length, 2)
  })

  test('that is cancelled already means that neither is written', () => {
    const prepender = new LengthFieldPrepender({ lengthFieldLength: 2 })
    const channel = new EmbeddedChannel(prepender)
    const promise = channel.newPromise()
    promise.cancel()
    const message = body()
    prepender.write(channel.pipeline.context(prepender)!, message, promise)
    channel.flush()
    assert.equal(message.refCnt, 0)
    assert.deepEqual(channel.outboundMessages, [])
  })

  test('fails with the channel: header and body are given up together', () => {
    const channel = new EmbeddedChannel(new LengthFieldPrepender({ lengthFieldLength: 2 }))
    const message = body()
    const future = channel.write(message)
    channel.close()
    assert.equal(future.cause?.name, 'ClosedChannelError')
    assert.equal(message.refCnt, 0)
  })
})
