import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { Base64Decoder, Base64Encoder, type Base64Options } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import { encoded } from './framer-support.js'
import { bytesOf } from './support.js'

const hex = (text: string): string => Buffer.from(text).toString('hex')

describe('Base64Encoder', () => {
  test('makes padded text of each buffer and Uint8Array, without line breaks, in either dialect', () => {
    const bytes = bytesOf('fbff')
    assert.deepEqual(encoded(new Base64Encoder(), Unpooled.wrappedBuffer(bytes), bytes), [hex('+/8='), hex('+/8=')])
    assert.deepEqual(encoded(new Base64Encoder({ dialect: 'urlSafe' }), bytes, bytesOf('fb')), [hex('-_8='), hex('-w==')])
    assert.deepEqual(encoded(new Base64Encoder(), Buffer.alloc(300)), [hex('A'.repeat(400))])
    assert.deepEqual(encoded(new Base64Encoder(), Buffer.alloc(0)), [''])
  })

  test('takes a Uint8Array that is a part of its memory, and passes other messages on', () => {
    assert.deepEqual(encoded(new Base64Encoder(), new Uint8Array([9, 9, 0, 0, 0, 9]).subarray(2, 5), 5), [hex('AAAA'), 5])
  })

  test('releases what it encodes', () => {
    const message = Unpooled.copiedBuffer('abc')
    encoded(new Base64Encoder(), message)
    assert.equal(message.refCnt, 0)
  })

  test('is undone by the decoder, in either dialect; both are sharable', () => {
    for (const dialect of ['standard', 'urlSafe'] as const) {
      const encoder = new Base64Encoder({ dialect })
      const decoder = new Base64Decoder({ dialect })
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          const channel = new EmbeddedChannel(decoder, encoder)
          channel.writeOutbound(Unpooled.copiedBuffer(bytes))
          channel.writeInbound(channel.readOutbound())
          assert.deepEqual(channel.readInbound<{ asBuffer(): Buffer }>()?.asBuffer(), Buffer.from(bytes))
        }),
      )
    }
  })

  test('wants one of the two dialects', () => {
    for (const dialect of ['URL_SAFE', null]) {
      assert.throws(() => new Base64Encoder({ dialect } as unknown as Base64Options), IllegalArgumentError)
      assert.throws(() => new Base64Decoder({ dialect } as unknown as Base64Options), IllegalArgumentError)
    }
  })
})
