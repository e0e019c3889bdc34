import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

const root = path.resolve(import.meta.dirname, '../../..')

test('the lockfile names packages and hashes, no address of any registry', () => {
  const lines = readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8').split('\n')
  assert.ok(lines.some((line) => line.startsWith('lockfileVersion:')), 'this is no pnpm lockfile')
  assert.deepEqual(lines.filter((line) => line.includes('://')), [])
})
