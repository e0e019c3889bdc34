import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import process from 'node:process'
import { describe, test } from 'node:test'
import { parsePeersOptions, PEERS_HELP } from '../../../benchmarks/dist/cli/peers-options.js'
import { peerMarkdown, peerTable, targetTable } from '../../../benchmarks/dist/cli/results-page-tables.js'
import { replaceSection } from '../../../benchmarks/dist/cli/results-page.js'
import { ECHO_CASES } from '../../../benchmarks/dist/peers/cases.js'
import type { EchoFigures } from '../../../benchmarks/dist/peers/measure-echo.js'

interface Manifest {
  readonly optionalDependencies: Readonly<Record<string, string>>
}

const PROGRAM = fileURLToPath(new URL('../../../benchmarks/dist/cli/peers.js', import.meta.url))
const IS_FOR_NODE = process.versions['bun'] === undefined ? false : 'it runs on Node'
const PAGE = '# Results\n\nby hand\n\n<!-- peers:begin -->\nold\n<!-- peers:end -->\n\nby hand too\n'

function run(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', timeout: 20_000 })
}

const figures: EchoFigures = {
  case: ECHO_CASES[0]!,
  rates: new Map([
    ['Knotty libuv', [4e6, 6e6, 5e6]],
    ['Knotty net', [2e6, 3e6, 5e6]],
    ['Netty NIO', [2e6, 2e6, 2e6]],
    ['naive node:net', [1e5, 3e5, 2e5]],
  ]),
  ceiling: 12_000_000,
}

describe('bench:peers', { skip: IS_FOR_NODE }, () => {
  test('explains each of its options', () => {
    const { status, stdout } = run('--help')
    assert.equal(status, 0)
    assert.equal(stdout.trim(), PEERS_HELP)
    for (const name of ['quick', 'rounds', 'seconds', 'only', 'case', 'no-install', 'json', 'write', 'lines', 'node', 'help']) {
      assert.match(stdout, new RegExp(`^ {2}--${name} `, 'm'))
    }
  })

  test('answers a mistake on the command line with one line and exit code 2', () => {
    const mistakes = ['--round=3', '--rounds=0', '--rounds=1.5', '--seconds=x', '--case=no such case', '--only=nobody', '--node=/no/node']
    for (const mistake of mistakes) {
      const { status, stderr } = run('--no-install', mistake)
      assert.equal(status, 2, mistake)
      assert.match(stderr, /^[^\n]+\n$/)
    }
  })

  test('looks at the page it shall write before it measures for minutes', () => {
    const { status, stderr } = run('--write', PROGRAM)
    assert.equal(status, 1)
    assert.match(stderr, /^bench:peers: --write .*peers\.js: the page must have one line <!-- peers:begin -->/)
  })

  test('names no path of the machine in the command that makes a table again', () => {
    const args = ['--lines', '--node', process.execPath, '--rounds=3', '--case=4 KiB', '--write=/a/b.md', '--json=/a/b.json']
    const { command } = parsePeersOptions(args)
    assert.equal(command, 'npm run bench:peers -- --lines --node PATH --case "4 KiB" --rounds 3 --write benchmarks/RESULTS.md')
    assert.equal(parsePeersOptions([]).command, 'npm run bench:peers')
  })

  test('installs exactly what is locked, and the lock names no address', () => {
    const folder = path.dirname(PROGRAM.replace('/dist/cli/', '/peers/'))
    const lock = readFileSync(path.join(folder, 'package-lock.json'), 'utf8')
    assert.doesNotMatch(lock, /:\/\//)
    const { optionalDependencies } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest
    const { packages } = JSON.parse(lock) as { readonly packages: Readonly<Record<string, { readonly version: string }>> }
    for (const [name, version] of Object.entries(optionalDependencies)) assert.equal(packages[`node_modules/${name}`]?.version, version)
  })

  test('replaces its part of the page and nothing else', () => {
    const page = replaceSection(PAGE, 'peers', 'new')
    assert.equal(page, PAGE.replace('\nold\n', '\n\nnew\n\n'))
    assert.equal(replaceSection(page, 'peers', 'new'), page)
    assert.throws(() => replaceSection(PAGE, 'lines', 'new'), /one line <!-- lines:begin --> and one line <!-- lines:end -->/)
    assert.throws(() => replaceSection(PAGE + PAGE, 'peers', 'new'), /one line <!-- peers:begin -->/)
  })

  test('divides round by round, and tells which ratios are reached', () => {
    const servers = [...figures.rates.keys()]
    const [, , medians, ranges, ratios] = peerTable([figures], servers).split('\n')
    assert.match(medians!, /in flight +5\.00 M\/s +3\.00 M\/s +2\.00 M\/s +200 k\/s +12\.0 M\/s$/)
    assert.match(ranges!, / 4\.00 M\/s - 6\.00 M\/s +2\.00 M\/s - 5\.00 M\/s /)
    assert.match(ratios!, / {2}2\.00 \(1\.00-2\.00\) +2\.50 \(2\.00-3\.00\) +25\.0 \(20\.0-40\.0\)$/)
    assert.match(peerMarkdown([figures], servers), /\| 2\.00 M\/s<br>2\.00 M\/s - 2\.00 M\/s<br>x 2\.50 \(2\.00-3\.00\) \|/)
    const [, , netty, naive, bun] = targetTable([figures]).split('\n')
    assert.match(netty!, /Netty NIO +2\.50 \(2\.00-3\.00\) +1\.8 +reached +2\.5 +reached$/)
    assert.match(naive!, /naive node:net +25\.0 \(20\.0-40\.0\) +40 +NOT reached +–$/)
    assert.match(bun!, /Bun\.listen by hand +– +– +0\.85 +not measured$/)
  })
})
