import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { eventually } from '@knotty/testing'

test('eventually waits until the check passes', async () => {
  let calls = 0
  await eventually(() => assert.ok(++calls === 3))
  assert.equal(calls, 3)
})

test('eventually rejects with the last error when the deadline has passed', async () => {
  let calls = 0
  await assert.rejects(eventually(() => Promise.reject(new Error(`call ${++calls}`)), 1), () => calls > 0)
})

test('eventually refuses what is no duration or function, which would never end', async () => {
  await assert.rejects(eventually(() => assert.fail('called'), Number.NaN), IllegalArgumentError)
  await assert.rejects(eventually(undefined as never), IllegalArgumentError)
})
