import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Base64Decoder,
  Base64Encoder,
  CodecError,
  CorruptedFrameError,
  DecoderError,
  EncoderError,
  JsonObjectDecoder,
  LineEncoder,
  StringDecoder,
  StringEncoder,
  TooLongFrameError,
  Varint32FrameDecoder,
} from '@knotty/codec'
import { IllegalArgumentError, KnottyError, shown } from '@knotty/common'

test('each error has its name, code and cause, and the family is Netty\'s', () => {
  const cause = new Error('why')
  const errors = [
    [new CodecError('m', { cause }), 'CodecError', 'ERR_KNOTTY_CODEC', []],
    [new DecoderError('m', { cause }), 'DecoderError', 'ERR_KNOTTY_DECODER', [CodecError]],
    [new EncoderError('m', { cause }), 'EncoderError', 'ERR_KNOTTY_ENCODER', [CodecError]],
    [new TooLongFrameError('m', { cause }), 'TooLongFrameError', 'ERR_KNOTTY_TOO_LONG_FRAME', [CodecError, DecoderError]],
    [new CorruptedFrameError('m', { cause }), 'CorruptedFrameError', 'ERR_KNOTTY_CORRUPTED_FRAME', [CodecError, DecoderError]],
  ] as const
  for (const [error, name, code, bases] of errors) {
    assert.equal(error.name, name)
    assert.equal(error.code, code)
    assert.equal(error.cause, cause)
    assert.ok(error instanceof KnottyError)
    for (const base of bases) assert.ok(error instanceof base)
  }
})

test('arguments in the order of Netty are refused where all options have defaults, instead of being ignored', () => {
  type AnyCodec = new (options: never) => object
  const codecs: [AnyCodec, unknown][] = [
    [Base64Decoder, 'urlSafe'],
    [Base64Encoder, true],
    [JsonObjectDecoder, 1024],
    [LineEncoder, '\r\n'],
    [StringDecoder, 'latin1'],
    [StringEncoder, 'latin1'],
    [Varint32FrameDecoder, 1024],
  ]
  for (const [codec, argument] of codecs) {
    for (const options of [argument, null]) {
      const isTold = (error: unknown): boolean =>
        error instanceof IllegalArgumentError && error.message.startsWith(`options: ${shown(options)} (expected: new ${codec.name}({ `)
      assert.throws(() => new codec(options as never), isTold, codec.name)
    }
  }
})
