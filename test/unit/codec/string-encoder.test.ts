import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StringEncoder, type TextOptions } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { encoded } from './framer-support.js'

describe('StringEncoder', () => {
  test('makes a buffer of each string, of the empty one too, and passes other messages on', () => {
    assert.deepEqual(encoded(new StringEncoder(), 'aé', '', 5), ['61c3a9', '', 5])
    assert.deepEqual(encoded(new StringEncoder({ encoding: 'latin1' }), 'aé€'), ['61e93f'])
    assert.deepEqual(encoded(new StringEncoder({ encoding: 'utf16le' }), 'a'), ['6100'])
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
