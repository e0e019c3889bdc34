import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptBudget } from '../../../../packages/handler/dist/attempt-budget.js'

test('allows so many attempts in any minute, and tells when the next one is due', () => {
  const budget = new AttemptBudget(2)
  assert.equal(budget.delayMs(1000), 0)
  budget.take(1000)
  assert.equal(budget.delayMs(1500), 0)
  budget.take(11_000)
  assert.deepEqual([11_000, 60_999, 61_000].map((now) => budget.delayMs(now)), [50_000, 1, 0])
  budget.take(61_000)
  assert.deepEqual([61_000, 71_000].map((now) => budget.delayMs(now)), [10_000, 0])
})
