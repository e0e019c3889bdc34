import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { escape } from '../../../benchmarks/dist/report/escape.js'
import { reportPage } from '../../../benchmarks/dist/report/report-page.js'
import { findSeries } from '../../../benchmarks/dist/report/series.js'
import { logScale } from '../../../benchmarks/dist/report/scale.js'
import { DARK, LIGHT, type Scheme } from '../../../benchmarks/dist/report/theme.js'
import { sampleReport } from './sample-report.js'

const REPORT_PROGRAM = path.resolve(import.meta.dirname, '../../../benchmarks/dist/cli/report.js')

const page = (factors: readonly number[] = [1]): string =>
  reportPage(factors.map((factor, index) => ({ name: `run${index}.json`, report: sampleReport(factor) })))

const count = (text: string, part: string): number => text.split(part).length - 1

describe('the page of a report', () => {
  test('has a row for each case, once', () => {
    const html = page()
    for (const result of sampleReport().results) {
      assert.equal(count(html, `<th scope="row">${escape(result.case)}</th>`), 1, result.case)
    }
  })

  test('escapes what it is given, in text and in attributes', () => {
    const html = page()
    assert.equal(count(html, '<script'), 0)
    assert.equal(count(html, '</style>'), 1)
    assert.ok(html.includes('Knotty &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;'))
    assert.ok(html.includes('A &amp; B'))
    assert.equal(escape(`<'&">`), '&lt;&#39;&amp;&quot;&gt;')
  })

  test('fetches nothing and runs nothing', () => {
    const html = page()
    for (const reference of ['http', 'src=', 'url(', '@import', '<link', '<script', ' onload', ' onclick']) assert.equal(count(html, reference), 0, reference)
    for (const [, target] of html.matchAll(/href="([^"]*)"/g)) assert.ok(html.includes(`id="${(target as string).slice(1)}"`), target)
  })

  test('closes what it opens', () => {
    const html = page([1, 1.3])
    for (const name of ['svg', 'div', 'figure', 'table', 'section', 'ul', 'li', 'span', 'tr', 'td', 'th', 'text', 'h2', 'h3', 'h4']) {
      assert.equal([...html.matchAll(new RegExp(`<${name}[ >]`, 'g'))].length, count(html, `</${name}>`), name)
    }
    assert.ok(!/NaN|undefined|Infinity/.test(html))
  })

  test('says which direction is the better one', () => {
    const html = page()
    assert.ok(html.includes('<strong>messages/s</strong>, higher is better'))
    assert.ok(html.includes('<strong>ms</strong>, lower is better'))
  })

  test('marks targets by a sign and a word', () => {
    const html = page()
    assert.ok(html.includes('✓ must ≤ 1.3 reached') && html.includes('✗ goal ≤ 1.1 not reached'))
    assert.ok(html.includes('✓ must ≥ 1.8 reached') && html.includes('✗ goal ≥ 2.5 not reached'))
    assert.ok(html.includes('Musts reached: <b>2 of 2</b>. Goals reached: <b>0 of 2</b>'))
  })

  test('shows two files side by side, with ratios to the first', () => {
    const html = page([1, 2])
    assert.ok(html.includes('A: run0.json') && html.includes('B: run1.json'))
    assert.ok(html.includes('2.00 × A') && html.includes('0.50 × A'))
    assert.equal(count(html, '<th scope="row" rowspan="2">import of everything</th>'), 1)
  })

  test('takes a case that one of two files lacks, and files without any', () => {
    const all = sampleReport()
    const html = reportPage([{ name: 'a', report: all }, { name: 'b', report: { ...all, results: all.results.slice(1) } }])
    assert.ok(html.includes('not measured'))
    assert.ok(!/NaN|undefined/.test(reportPage([{ name: 'none', report: { ...all, results: [] } }])))
  })

  test('draws cases that differ in one number as a curve', () => {
    assert.ok(page().includes('<strong>ns/op against length</strong>'))
  })

  test('has a light and a dark scheme, the dark one for screens only', () => {
    const html = page()
    assert.ok(html.includes(`--ground:${LIGHT.ground}`) && html.includes(`--ground:${DARK.ground}`))
    assert.ok(html.includes('@media screen and (prefers-color-scheme:dark)'))
  })
})

/** As WCAG 2.1 defines it. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    }) as [number, number, number]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

for (const [name, scheme] of Object.entries({ light: LIGHT, dark: DARK }) as [string, Scheme][]) {
  test(`the ${name} colours have the contrast of 4.5 for text and 3 for marks`, () => {
    for (const ground of [scheme.ground, scheme.panel]) {
      for (const text of [scheme.text, scheme.quiet, scheme.reached, scheme.missed]) assert.ok(contrast(text, ground) >= 4.5, `${text} on ${ground}`)
      for (const mark of [...scheme.marks, scheme.whisker]) assert.ok(contrast(mark, ground) >= 3, `${mark} on ${ground}`)
    }
  })
}

describe('series of cases', () => {
  const named = (...names: string[]): Parameters<typeof findSeries>[0] =>
    names.map((name) => ({ bench: 'b', case: name, unit: 'ns/op', value: 1, samples: [1] }))

  test('are told by the number they differ in, sizes by their unit', () => {
    const { series, rest } = findSeries(named('4 KiB messages', '64 B messages', '1 MiB messages', '16 connections', '1,000 connections', '2 connections', 'alone'))
    const found = series.map(({ axis, points }) => [axis, points.map(({ at }) => at)])
    assert.deepEqual(found, [['bytes', [64, 4096, 1_048_576]], ['connections', [2, 16, 1000]]])
    assert.deepEqual(rest.map((result) => result.case), ['alone'])
  })

  test('need three points, and a case is in one of them only', () => {
    const { series, rest } = findSeries(named('1 x 1', '1 x 2', '1 x 4', '2 x 4', '8 x 4', 'length 1', 'length 2'))
    assert.deepEqual(series.map(({ name }) => name), ['1 x n'])
    assert.equal(rest.length, 4)
  })
})

test('a logarithmic axis reaches over all values with ticks at its ends', () => {
  for (const [low, high] of [[3.1, 3.2], [1, 1], [0.02, 7], [64, 4_000_000]] as const) {
    const { ticks, at } = logScale(low, high)
    assert.ok((ticks[0] as number) <= low && (ticks.at(-1) as number) >= high && ticks.length >= 2, `${low} to ${high}: ${ticks.join(' ')}`)
    assert.ok(at(low) >= 0 && at(high) <= 1 && at(ticks.at(-1) as number) === 1)
  }
})

describe('bench:report', () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [REPORT_PROGRAM, ...args], { encoding: 'utf8' })

  test('writes the page and says where, and names a file that holds no results', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'knotty-report-'))
    try {
      const results = path.join(folder, 'results.json')
      writeFileSync(results, JSON.stringify(sampleReport()))
      const { status, stdout } = run(results)
      assert.equal(status, 0)
      const out = path.join(folder, 'results.html')
      assert.equal(stdout, `report: ${out}\n`)
      assert.equal(readFileSync(out, 'utf8'), reportPage([{ name: 'results.json', report: sampleReport() }]))

      writeFileSync(results, '{"schema":2}')
      const refused = run(results)
      assert.equal(refused.status, 1)
      assert.equal(refused.stderr, `bench:report: ${results}: no file of results (schema: 2, expected: 1)\n`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
