import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { exceedsHeadroom } from '../../../../../packages/transport/dist/socket/admission.js'
import { descriptorLimit } from '../../../../../packages/transport/dist/socket/descriptor-limit.js'

describe('descriptorLimit()', () => {
  test('is the soft limit of this process', () => {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    assert.equal(descriptorLimit(), soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft))
  })
})

describe('exceedsHeadroom()', () => {
  const limit = descriptorLimit()

  test('is true of the last descriptors only', { skip: limit === Number.POSITIVE_INFINITY }, () => {
    assert.deepEqual([exceedsHeadroom(limit - 2, 1), exceedsHeadroom(limit - 1, 1)], [false, true])
    assert.deepEqual([exceedsHeadroom(limit - 33, 32), exceedsHeadroom(limit - 32, 32)], [false, true])
  })

  test('is never true without a headroom', () => {
    assert.equal(exceedsHeadroom(limit, 0), false)
  })

  test('of a socket that has no descriptor is never true', () => {
    assert.equal(exceedsHeadroom(Number.NEGATIVE_INFINITY, limit + 1), false)
  })

  test('of a socket whose descriptor is not known asks for the next one', { skip: limit === Number.POSITIVE_INFINITY }, () => {
    assert.equal(exceedsHeadroom(undefined, 1), false)
    assert.equal(exceedsHeadroom(undefined, limit), true)
  })
})
