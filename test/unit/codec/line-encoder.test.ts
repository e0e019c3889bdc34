import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { LineEncoder, type LineEncoderOptions } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { encoded } from './framer-support.js'

describe('LineEncoder', () => {
  test('puts the separator behind each string, in one buffer, and passes other messages on', () => {
    const hex = (text: string): string => Buffer.from(text).toString('hex')
    assert.deepEqual(encoded(new LineEncoder(), 'é', '', 5), [hex('é\n'), hex('\n'), 5])
    assert.deepEqual(encoded(new LineEncoder({ lineSeparator: '\r\n' }), 'a'), [hex('a\r\n')])
    assert.deepEqual(encoded(new LineEncoder({ encoding: 'utf16le' }), 'a'), ['61000a00'])
  })

  test('wants a separator', () => {
    for (const lineSeparator of ['', 5]) {
      assert.throws(() => new LineEncoder({ lineSeparator } as unknown as LineEncoderOptions), IllegalArgumentError)
    }
  })
})
