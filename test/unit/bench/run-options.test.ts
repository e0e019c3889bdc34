import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chosenNames, parseRunOptions, UsageError } from '../../../../packages/bench/dist/run-options.js'

const usageError = (message: RegExp) => (error: unknown) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n')

describe('the command line of a bench program', () => {
  test('has defaults, and fewer rounds when it is to be quick', () => {
    const { rounds, roundsGiven, quick, cases, json, list, help } = parseRunOptions([])
    assert.deepEqual({ rounds, roundsGiven, quick, cases, json, list, help }, { rounds: 5, roundsGiven: false, quick: false, cases: [], json: false, list: false, help: false })
    assert.equal(parseRunOptions(['--quick']).rounds, 3)
    assert.equal(parseRunOptions(['--quick', '--rounds', '7']).rounds, 7)
  })

  test('takes several cases', () => {
    assert.deepEqual(parseRunOptions(['--case', 'a', '--case', 'b c']).cases, ['a', 'b c'])
  })

  test('says in one line what is wrong with it', () => {
    assert.throws(() => parseRunOptions(['--quik']), usageError(/--quik/))
    assert.throws(() => parseRunOptions(['file']), usageError(/file/))
    for (const rounds of ['0', '-1', '1.5', 'many', '10000']) assert.throws(() => parseRunOptions([`--rounds=${rounds}`]), usageError(/1 to 9999/))
    assert.throws(() => chosenNames('micro/x', ['a', 'b'], ['c']), usageError(/micro\/x has no case "c", only "a", "b"/))
  })

  test('names that were asked for keep the order of the program', () => {
    assert.deepEqual(chosenNames('x', ['a', 'b', 'c'], ['c', 'a']), ['a', 'c'])
    assert.deepEqual(chosenNames('x', ['a', 'b'], []), ['a', 'b'])
  })
})
