import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodecError, CorruptedFrameError, DecoderError, EncoderError, TooLongFrameError } from '@knotty/codec'
import { KnottyError } from '@knotty/common'

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
