import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CancellationError,
  IllegalArgumentError,
  IllegalStateError,
  IndexOutOfBoundsError,
  KnottyError,
  NoSuchElementError,
  RejectedExecutionError,
  toError,
  UnsupportedOperationError,
} from '@knotty/common'

const cause = new Error('the cause')

const errors: [error: Error & { code?: unknown }, name: string, code: string][] = [
  [new IllegalArgumentError('m', { cause }), 'IllegalArgumentError', 'ERR_KNOTTY_ILLEGAL_ARGUMENT'],
  [new IndexOutOfBoundsError('m', { cause }), 'IndexOutOfBoundsError', 'ERR_KNOTTY_INDEX_OUT_OF_BOUNDS'],
  [new IllegalStateError('m', { cause }), 'IllegalStateError', 'ERR_KNOTTY_ILLEGAL_STATE'],
  [new NoSuchElementError('m', { cause }), 'NoSuchElementError', 'ERR_KNOTTY_NO_SUCH_ELEMENT'],
  [new UnsupportedOperationError('m', { cause }), 'UnsupportedOperationError', 'ERR_KNOTTY_UNSUPPORTED_OPERATION'],
  [new CancellationError('m', { cause }), 'CancellationError', 'ERR_KNOTTY_CANCELLED'],
  [new RejectedExecutionError('m', { cause }), 'RejectedExecutionError', 'ERR_KNOTTY_REJECTED_EXECUTION'],
]

describe('every Knotty error', () => {
  for (const [error, name, code] of errors) {
    test(`${name} has its name, code, message and cause and is a KnottyError`, () => {
      assert.equal(error.name, name)
      assert.equal(error.code, code)
      assert.equal(error.message, 'm')
      assert.equal(error.cause, cause)
      assert.ok(error instanceof Error)
      assert.ok(error instanceof KnottyError)
    })
  }

  test('has a code of its own', () => {
    assert.equal(new Set(errors.map(([error]) => error.code)).size, errors.length)
  })
})

describe('KnottyError', () => {
  test('covers the errors that Java derives from its argument errors and RangeError covers them too', () => {
    for (const error of [new IllegalArgumentError('m'), new IndexOutOfBoundsError('m')]) {
      assert.ok(error instanceof RangeError)
      assert.ok(error instanceof KnottyError)
    }
  })

  test('covers no foreign error, no plain object and no primitive', () => {
    for (const value of [new RangeError('m'), new Error('m'), {}, null, undefined, 'text', 1]) {
      assert.equal(value instanceof KnottyError, false)
    }
  })

  test('covers an error of another copy of the package', () => {
    class ForeignError extends Error {}
    Object.defineProperty(ForeignError.prototype, Symbol.for('knotty.error'), { value: true })
    assert.ok(new ForeignError('m') instanceof KnottyError)
  })

  test('leaves instanceof of its subclasses to their prototypes', () => {
    const error = new IllegalStateError('m')
    assert.ok(error instanceof IllegalStateError)
    assert.equal(error instanceof NoSuchElementError, false)
    assert.equal(new IllegalArgumentError('m') instanceof IllegalStateError, false)
  })

  test('gives a subclass of a user its own name and code', () => {
    class StaleFrameError extends KnottyError {
      constructor() {
        super('ERR_STALE_FRAME', 'the frame is stale')
      }
    }
    const error = new StaleFrameError()
    assert.equal(error.name, 'StaleFrameError')
    assert.equal(error.code, 'ERR_STALE_FRAME')
    assert.ok(error instanceof StaleFrameError && error instanceof KnottyError)
  })

  test('has no cause property when none was given', () => {
    assert.equal('cause' in new IllegalStateError('m'), false)
  })
})

describe('toError', () => {
  test('gives an Error back as it is', () => {
    assert.equal(toError(cause), cause)
  })

  test('shows any other value in the message', () => {
    assert.match(toError('text').message, /text/)
    assert.match(toError(undefined).message, /undefined/)
    assert.match(toError(Symbol('s')).message, /Symbol\(s\)/)
  })

  test('shows a value that cannot be made a string', () => {
    assert.ok(toError(Object.create(null)) instanceof Error)
  })
})
