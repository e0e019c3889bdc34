import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkDurationMs, checkFunction, checkNonNegativeInteger, checkOptions, checkPositiveInteger, IllegalArgumentError } from '@knotty/common'

/** Asserts an IllegalArgumentError whose message has the name of the argument and the value. */
function assertRefused(check: () => unknown, name: string, shown: string): void {
  assert.throws(check, (error: unknown) => {
    assert.ok(error instanceof IllegalArgumentError)
    assert.ok(error.message.startsWith(`${name}: ${shown} (`), error.message)
    return true
  })
}

/** As the message shows it: '5' is not 5. */
function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

/** What callers without a type checker hand over. */
function wrong(value: unknown): never {
  return value as never
}

describe('checkNonNegativeInteger', () => {
  test('gives back integers from zero to the largest safe one', () => {
    for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) assert.equal(checkNonNegativeInteger(value, 'length'), value)
  })

  test('refuses negative numbers, fractions, unsafe numbers and what is no number', () => {
    for (const value of [-1, 0.5, Number.NaN, Infinity, Number.MAX_SAFE_INTEGER + 1, wrong('1'), wrong(null), wrong(1n)]) {
      assertRefused(() => checkNonNegativeInteger(value, 'length'), 'length', quoted(value))
    }
  })
})

describe('checkPositiveInteger', () => {
  test('gives back integers from one', () => {
    for (const value of [1, Number.MAX_SAFE_INTEGER]) assert.equal(checkPositiveInteger(value, 'loops'), value)
  })

  test('refuses zero, negative numbers, fractions and what is no number', () => {
    for (const value of [0, -0, -1, 1.5, Number.NaN, wrong('1'), wrong(undefined)]) {
      assertRefused(() => checkPositiveInteger(value, 'loops'), 'loops', quoted(value))
    }
  })
})

describe('checkDurationMs', () => {
  test('gives back milliseconds, with fractions, up to what a timer can hold', () => {
    for (const value of [0, 0.25, 15_000, 0x7fffffff]) assert.equal(checkDurationMs(value, 'delayMs'), value)
  })

  test('refuses what a timer would shorten to one millisecond', () => {
    for (const value of [-1, 0x80000000, Infinity, Number.NaN, wrong('10'), wrong(undefined)]) {
      assertRefused(() => checkDurationMs(value, 'delayMs'), 'delayMs', quoted(value))
    }
  })
})

describe('checkFunction', () => {
  test('gives back a function', () => {
    const listener = (): void => {}
    assert.equal(checkFunction(listener, 'listener'), listener)
  })

  test('refuses everything else and names its type', () => {
    assertRefused(() => checkFunction({}, 'listener'), 'listener', 'object')
    assertRefused(() => checkFunction(undefined, 'listener'), 'listener', 'undefined')
  })
})

describe('checkOptions', () => {
  test('takes an object, and shows the form for anything else', () => {
    checkOptions({}, 'new Timer({ delayMs })')
    for (const value of [60, 'utf8', undefined, null]) {
      assert.throws(() => checkOptions(value, 'new Timer({ delayMs })'), new IllegalArgumentError(`options: ${quoted(value)} (expected: new Timer({ delayMs }))`))
    }
  })
})
