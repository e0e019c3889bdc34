import assert from 'node:assert/strict'
import { test } from 'node:test'
import type * as SharedSettingsModule from '../../../packages/codec/dist/shared-settings.js'
import { internal } from './support.js'

const { sharedSettings } = await internal<typeof SharedSettingsModule>('shared-settings.js')

test('equal settings are one object, different ones are not', () => {
  const shared = sharedSettings<{ size: number; order: string }>()
  const first = shared({ size: 1, order: 'BE' })
  assert.equal(shared({ size: 1, order: 'BE' }), first)
  for (const other of [{ size: 2, order: 'BE' }, { size: 1, order: 'LE' }]) assert.deepEqual(shared(other), other)
  assert.equal(shared({ size: 1, order: 'BE' }), first)
})

test('only the last sixteen different ones are remembered, and the others are right all the same', () => {
  const shared = sharedSettings<{ size: number }>()
  const first = shared({ size: 0 })
  for (let size = 1; size <= 16; size++) assert.deepEqual(shared({ size }), { size })
  const again = shared({ size: 0 })
  assert.notEqual(again, first)
  assert.deepEqual(again, first)
})
