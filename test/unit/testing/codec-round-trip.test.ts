import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { ByteToMessageDecoder, EncoderError, LengthFieldBasedFrameDecoder, LengthFieldPrepender, MessageToByteEncoder } from '@knotty/codec'
import { codecRoundTrip, CodecVerificationError, type RoundTripCodec } from '@knotty/testing'
import type { ChannelHandlerContext } from '@knotty/transport'

class IntegerEncoder extends MessageToByteEncoder<number> {
  constructor() {
    super((msg): msg is number => typeof msg === 'number')
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: number, out: ByteBuf): void {
    if (msg < 0) throw new RangeError(`${msg} is negative`)
    out.writeInt(msg)
  }
}

class IntegerDecoder extends ByteToMessageDecoder {
  private readonly limit: number

  constructor(limit = 0xffffffff) {
    super()
    this.limit = limit
  }

  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    if (input.readableBytes < 4) return 4 - input.readableBytes
    out.push(Math.min(input.readInt(), this.limit))
    return undefined
  }
}

const INTEGERS: RoundTripCodec = { encoder: () => new IntegerEncoder(), decoder: () => new IntegerDecoder() }
const FRAMES: RoundTripCodec = {
  encoder: () => new LengthFieldPrepender({ lengthFieldLength: 2 }),
  decoder: () => new LengthFieldBasedFrameDecoder({ maxFrameLength: 100, lengthFieldLength: 2, initialBytesToStrip: 2 }),
}

test('codecRoundTrip passes a codec that reads what it wrote, one handler a side or several', () => {
  codecRoundTrip(INTEGERS, [0, 1, 0x7fffffff])
  codecRoundTrip(FRAMES, () => [Unpooled.copiedBuffer('abc', 'utf8'), Buffer.from('de'), Unpooled.buffer(0)])
  codecRoundTrip(
    {
      encoder: () => [new LengthFieldPrepender({ lengthFieldLength: 1 }), new LengthFieldPrepender({ lengthFieldLength: 2 })],
      decoder: () => [
        new LengthFieldBasedFrameDecoder({ maxFrameLength: 100, lengthFieldLength: 1, initialBytesToStrip: 1 }),
        new LengthFieldBasedFrameDecoder({ maxFrameLength: 100, lengthFieldLength: 2, initialBytesToStrip: 2 }),
      ],
    },
    [Buffer.from('abc'), Buffer.from('')],
  )
})

test('codecRoundTrip leaves samples that are ByteBufs to the caller', () => {
  const sample = Unpooled.copiedBuffer('abc', 'utf8')
  codecRoundTrip(FRAMES, [sample])
  assert.equal(sample.refCnt, 1)
  assert.equal(sample.readableBytes, 3)
})

test('codecRoundTrip names the sample that came back as another', () => {
  const lossy: RoundTripCodec = { ...INTEGERS, decoder: () => new IntegerDecoder(9) }
  assert.throws(
    () => codecRoundTrip(lossy, [3, 10]),
    (error: unknown) => error instanceof CodecVerificationError && error.reason === 'messages' && error.caseName === 'sample 1',
  )
})

test('codecRoundTrip runs all samples through one codec too', () => {
  let written = 0
  class Counting extends IntegerEncoder {
    protected override encode(ctx: ChannelHandlerContext, msg: number, out: ByteBuf): void {
      super.encode(ctx, msg + (written++ > 2 ? 1 : 0), out)
    }
  }
  assert.throws(
    () => codecRoundTrip({ ...INTEGERS, encoder: () => new Counting() }, [3, 4]),
    (error: unknown) => error instanceof CodecVerificationError && error.caseName === 'all samples',
  )
})

test('codecRoundTrip tells when the encoder fails, or writes no bytes', () => {
  assert.throws(
    () => codecRoundTrip(INTEGERS, [1, -1]),
    (error: unknown) => error instanceof CodecVerificationError && error.reason === 'encode' && error.cause instanceof EncoderError,
  )
  class AlsoAtTheEnd extends IntegerEncoder {
    channelInactive(): void {
      throw new Error('at the end')
    }
  }
  const { decoder } = INTEGERS
  assert.throws(() => codecRoundTrip({ encoder: () => new AlsoAtTheEnd(), decoder }, [-1]), { message: /sample 0: encoding failed: .*-1 is negative/ })
  assert.throws(() => codecRoundTrip({ encoder: () => new AlsoAtTheEnd(), decoder }, [1]), { message: /sample 0: encoding failed: at the end/ })
  assert.throws(() => codecRoundTrip(INTEGERS, ['text']), { code: 'ERR_KNOTTY_CODEC_VERIFICATION', message: /sample 0.*string, not bytes/ })
})
