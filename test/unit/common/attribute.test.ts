import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AttributeKey, AttributeMap, IllegalArgumentError, UnsupportedOperationError } from '@knotty/common'

describe('AttributeMap', () => {
  test('gives the same cell for the same key', () => {
    const map = new AttributeMap()
    const key = new AttributeKey<number>('count')
    map.attr(key).set(1)
    assert.equal(map.attr(key), map.attr(key))
    assert.equal(map.attr(key).get(), 1)
  })

  test('keeps two keys of the same name apart', () => {
    const map = new AttributeMap()
    const one = new AttributeKey<number>('same')
    const other = new AttributeKey<number>('same')
    map.attr(one).set(1)
    assert.equal(map.attr(other).get(), undefined)
  })

  test('keeps the values of two maps apart', () => {
    const key = new AttributeKey<string>('session')
    const one = new AttributeMap()
    one.attr(key).set('a')
    assert.equal(new AttributeMap().attr(key).get(), undefined)
  })
})

describe('Attribute', () => {
  test('has no value before set and knows its key', () => {
    const key = new AttributeKey<string>('session')
    const cell = new AttributeMap().attr(key)
    assert.equal(cell.get(), undefined)
    assert.equal(cell.key, key)
  })

  test('keeps falsy values', () => {
    const cell = new AttributeMap().attr(new AttributeKey<number | string | boolean | null>('any'))
    for (const value of [0, '', false, null]) {
      cell.set(value)
      assert.equal(cell.get(), value)
    }
  })

  test('remove gives the value back once', () => {
    const cell = new AttributeMap().attr(new AttributeKey<string>('session'))
    cell.set('a')
    assert.equal(cell.remove(), 'a')
    assert.equal(cell.remove(), undefined)
    assert.equal(cell.get(), undefined)
  })
})

test('an attribute key shows its name', () => {
  assert.equal(String(new AttributeKey('session')), 'AttributeKey(session)')
})

test("Netty's AttributeKey.valueOf(name) and a name in place of a key are refused: all attributes would share one cell", () => {
  const valueOf = AttributeKey.valueOf as (name: string) => unknown
  assert.throws(() => valueOf('session'), UnsupportedOperationError)
  assert.throws(() => new AttributeMap().attr('session' as unknown as AttributeKey<string>), IllegalArgumentError)
})
