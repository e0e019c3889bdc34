import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BenchResult } from '../../../../packages/bench/dist/index.js'
import { formatFigure, formatNumber, formatResults } from '../../../../packages/bench/dist/format-results.js'
import { formatTable } from '../../../../packages/bench/dist/format-table.js'

describe('what people are shown', () => {
  test('numbers have about three digits', () => {
    assert.deepEqual([0, 0.004, 0.05, 7.25499, 72.5499, 725.499, 72_549.9].map(formatNumber), ['0', '0', '0.05', '7.25', '72.5', '725', '72,550'])
  })

  test('figures have a unit in which they are read with ease', () => {
    assert.equal(formatFigure(12.3, 'ns/op'), '12.3 ns')
    assert.equal(formatFigure(123_000, 'ns/op'), '123 us')
    assert.equal(formatFigure(2_345_000, 'ns/op'), '2.35 ms')
    assert.equal(formatFigure(4_752_000, 'messages/s'), '4.75 M/s')
    assert.equal(formatFigure(85_000, 'connections/s'), '85.0 k/s')
    assert.equal(formatFigure(1536, 'bytes'), '1,536 B')
    assert.equal(formatFigure(3 << 20, 'bytes'), '3.00 MiB')
    assert.equal(formatFigure(-20_480, 'bytes'), '-20.0 KiB')
    assert.equal(formatFigure(116, 'ms'), '116 ms')
  })

  test('a table has its first column to the left and figures to the right, and takes short rows', () => {
    assert.equal(formatTable(['case', 'n'], [['a', '10'], ['heading']]), 'case      n\n───────  ──\na        10\nheading')
  })

  test('results show their columns when one of them has it, ratios with their limits and notes', () => {
    const result = (name: string, more: Partial<BenchResult>): BenchResult => ({ bench: 'x', case: name, unit: 'ns/op', value: 2, samples: [1, 2, 3], ...more })
    const ratios = [{ to: 'b', median: 0.5, min: 0.4, max: 0.6, must: 1, goal: 0.4 }]
    const text = formatResults([result('a', { ratios, heapBytes: 8 }), result('b', { note: 'by hand' })])
    assert.match(text, /^x +median +min-max of rounds +heap\/op +ops\/s$/m)
    assert.match(text, /^a +2\.00 ns +1\.00 - 3\.00 ns +8\.00 B +500 M\/s$/m)
    assert.match(text, /^ {2}a \/ b: 0\.50 \(0\.40-0\.60\), must 1, goal 0\.4$/m)
    assert.match(text, /^ {2}b: by hand$/m)
  })
})
