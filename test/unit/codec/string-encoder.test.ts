import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { StringEncoder, type TextOptions } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { EmbeddedChannel } from '@knotty/transport'
import { encoded } from './framer-support.js'

describe('StringEncoder', () => {
  test('makes a buffer of each string, of the empty one too, and passes other messages on', () => {
    assert.deepEqual(encoded(new StringEncoder(), 'aé', '', 5), ['61c3a9', '', 5])
    assert.deepEqual(encoded(new StringEncoder({ encoding: 'latin1' }), 'aé€'), ['61e93f'])
    assert.deepEqual(encoded(new StringEncoder({ encoding: 'utf16le' }), 'a'), ['6100'])
  })

  test('makes a buffer that has room for the text from the start, in each encoding', (t) => {
    for (const encoding of ['utf8', 'ascii', 'latin1', 'utf16le', 'ucs2', 'hex', 'base64', 'base64url', 'binary'] as const) {
      const channel = new EmbeddedChannel(new StringEncoder({ encoding }))
      const buffer = channel.alloc.buffer.bind(channel.alloc)
      let capacity = 0
      const allocate = t.mock.method(channel.alloc, 'buffer', (initialCapacity: number) => {
        const allocated = buffer(initialCapacity)
        capacity = allocated.capacity
        return allocated
      })
      channel.writeOutbound((encoding === 'utf8' ? '€' : 'a').repeat(2000))
      allocate.mock.restore()
      const written = channel.readOutbound<ByteBuf>()!
      assert.equal(allocate.mock.callCount(), 1)
      assert.equal(written.capacity, capacity, encoding)
      written.release()
    }
  })

  test('is sharable', () => {
    const encoder = new StringEncoder()
    for (let i = 0; i < 2; i++) assert.deepEqual(encoded(encoder, 'a'), ['61'])
  })

  test('wants an encoding that Node knows', () => {
    for (const encoding of ['utf-7', 5]) {
      assert.throws(() => new StringEncoder({ encoding } as unknown as TextOptions), IllegalArgumentError)
    }
  })
})
