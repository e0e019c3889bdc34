import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { Base64Decoder, type Base64Options, CorruptedFrameError } from '@knotty/codec'
import * as fc from 'fast-check'
import { decoding } from './support.js'

/** The bytes as hex, or the message of the error. */
function decoded(text: string, options: Base64Options = {}): string {
  const { channel, collector } = decoding(new Base64Decoder(options))
  const message = Unpooled.copiedBuffer(text, 'latin1')
  channel.writeInbound(message)
  assert.equal(message.refCnt, 0)
  const [error] = collector.errors
  if (error === undefined) return collector.takeFrames()[0]!
  assert.ok(error instanceof CorruptedFrameError)
  return error.message
}

describe('Base64Decoder', () => {
  test('takes padded and unpadded text, and skips white space', () => {
    assert.equal(decoded('+/8='), 'fbff')
    assert.equal(decoded('+/8'), 'fbff')
    assert.equal(decoded('-_8=', { dialect: 'urlSafe' }), 'fbff')
    assert.equal(decoded(' +/\r\n8\t= '), 'fbff')
    assert.equal(decoded(''), '')
  })

  const bad: [string, Base64Options, RegExp][] = [
    ['+/8=', { dialect: 'urlSafe' }, /^byte 0x2b at position 0 .* is no URL-safe Base64$/],
    ['AA-_', {}, /^byte 0x2d at position 2 .* is no standard Base64$/],
    ['AA\u00e9A', {}, /^byte 0xe9 at position 2 /],
    ['AA=A', {}, /^byte 0x3d at position 2 /],
    ['AAAAA', {}, /^5 Base64 characters: the last one is too many$/],
    ['AA=', {}, /^2 Base64 characters are padded with 1 '=' \(expected: 2\)$/],
    ['AAA==', {}, /^3 .* padded with 2 '=' \(expected: 1\)$/],
    ['AAAA====', {}, /^4 .* padded with 4 '=' \(expected: 0\)$/],
    ['=', {}, /^0 .* padded with 1 '=' \(expected: 0\)$/],
    ['AB==', {}, /^the last Base64 character 'B' has bits behind the last byte$/],
    ['AA+', {}, /^the last Base64 character '\+' has bits /],
  ]
  for (const [text, options, message] of bad) {
    test(`refuses ${JSON.stringify(text)} ${JSON.stringify(options)}`, () => assert.match(decoded(text, options), message))
  }

  test('takes exactly what an encoder makes', () => {
    const unit = fc.constantFrom(...'AQgw/+-_=\u00ff')
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 9 }), (text) => {
        const bytes = Buffer.from(text, 'base64')
        const canonical = bytes.toString('base64')
        const isGood = text === canonical || text === canonical.replace(/=+$/, '')
        assert.equal(decoded(text) === bytes.toString('hex'), isGood)
      }),
      { numRuns: 1000 },
    )
  })
})
