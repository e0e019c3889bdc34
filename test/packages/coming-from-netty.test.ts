import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import * as protobuf from '@knotty/codec-protobuf'
import * as knotty from 'knotty'

const guide = readFileSync(path.resolve(import.meta.dirname, '../../../docs/coming-from-netty.md'), 'utf8')

describe('docs/coming-from-netty.md', () => {
  for (const [name, exports] of Object.entries({ knotty, '@knotty/codec-protobuf': protobuf })) {
    test(`has a word on each export of ${name}`, () => {
      const missing = Object.keys(exports).filter((each) => !new RegExp(`\\b${each}\\b`).test(guide))
      assert.deepEqual(missing, [])
    })
  }
})
