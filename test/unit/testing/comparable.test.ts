import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { isSame, toComparable } from '../../../../packages/testing/dist/comparable.js'

const same = (a: unknown, b: unknown): boolean => isSame(toComparable(a), toComparable(b))

class Point {
  readonly x: number
  readonly #hidden: number

  constructor(x: number, hidden = 0) {
    this.x = x
    this.#hidden = hidden
  }

  get hidden(): number {
    return this.#hidden
  }
}

describe('messages are the same by value', () => {
  test('when they hold the same bytes, however they hold them', () => {
    const array = Buffer.from('abc')
    assert.ok(same(Unpooled.copiedBuffer('abc'), array))
    assert.ok(same({ body: new Map([['k', [array]]]) }, { body: new Map([['k', [Unpooled.copiedBuffer('abc')]]]) }))
    assert.ok(!same(Unpooled.copiedBuffer('abd'), array))
    assert.ok(!same('616263', array))
  })

  test('only of the same class, private fields left out', () => {
    assert.ok(same(new Point(1, 5), new Point(1, 6)))
    assert.ok(!same(new Point(1), new Point(2)))
    assert.ok(!same(new Point(1), { x: 1 }))
  })

  test('with the same own properties, symbols and __proto__ included', () => {
    const key = Symbol('key')
    assert.ok(same({ [key]: Buffer.of(1) }, { [key]: Unpooled.wrappedBuffer(Buffer.of(1)) }))
    assert.ok(!same({ [key]: 1 }, { [key]: 2 }))
    const parsed = (text: string): unknown => JSON.parse(text)
    assert.ok(same(parsed('{"__proto__":{"a":1}}'), parsed('{"__proto__":{"a":1}}')))
    assert.ok(!same(parsed('{"__proto__":{"a":1}}'), parsed('{"__proto__":{"a":2}}')))
    assert.ok(!same(parsed('{"__proto__":{"a":1}}'), {}))
  })

  test('in sets, and where they hold themselves', () => {
    assert.ok(same(new Set([Buffer.of(1)]), new Set([Unpooled.wrappedBuffer(Buffer.of(1))])))
    assert.ok(!same(new Set([Buffer.of(1)]), new Set([Buffer.of(2)])))
    const ring = (value: number): object => {
      const object: { value: number; self?: object; list: unknown[]; map: Map<string, unknown> } = { value, list: [], map: new Map() }
      object.self = object
      object.list.push(object.list)
      object.map.set('object', object)
      return object
    }
    assert.ok(same(ring(1), ring(1)))
    assert.ok(!same(ring(1), ring(2)))
  })
})
