import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../../..')

/** A block must have ended, or said that it listens, by then. */
const BLOCK_DEADLINE_MS = 30_000
/** The first line of a block that is a file for the later ones of its document. */
const FILE_NAME = /^\/\/ ([\w.-]+\.mjs)\n/
/** What ends a block that binds a server; one without it is a server to stay. */
const EXPLICIT_END = /\b(?:shutdownGracefully|server\.close|client\.stop)\(/
/** How long a server to stay is watched after its first line, in case that it ends in an error. */
const GRACE_MS = 500
/** The ports that the documents name; on the machine of a test they may be taken. */
const NAMED_PORTS: readonly string[] = ['9000', '9100']
/** A line that prints, and says in a comment what: `…` stands for anything. */
const PRINTED = /\bconsole\.log\(.*\) \/\/ (.*)$/gm

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Asked to end by SIGTERM. */
  readonly stopped: boolean
  readonly stdout: string
  readonly stderr: string
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest
}

/** What a user's shell has: nothing of the test runner, and no switch that changes what node or Knotty do or print. */
function userEnvironment(): NodeJS.ProcessEnv {
  const switches = /^(?:KNOTTY_.*|npm_config_(?:package|call)|NODE_(?:TEST_CONTEXT|OPTIONS|V8_COVERAGE|DEBUG|NO_WARNINGS|PENDING_DEPRECATION))$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !switches.test(name)))
}

/** What users install by itself. */
const INSTALLED: readonly string[] = ['knotty', '@knotty/codec-protobuf', '@knotty/testing', '@knotty/bench']

/** Those, and every workspace package that they need, directly or not. */
function packageNames(): string[] {
  const names = new Set(INSTALLED)
  for (const name of names) {
    const folder = path.join('packages', name.replace('@knotty/', ''))
    for (const needed of Object.keys(readManifest(folder).dependencies ?? {})) if (needed.startsWith('@knotty/')) names.add(needed)
  }
  return [...names]
}

/** Packs the packages as they are published and installs the tarballs in `folder`, a project that holds nothing else. */
async function install(folder: string, tarballs: string): Promise<void> {
  const pnpm = /\bpnpm@[\d.]+/.exec(readManifest('.').scripts?.['setup'] ?? '')?.[0]
  assert.ok(pnpm, 'the setup script of package.json names no pnpm version')
  const filters = packageNames().flatMap((name) => ['--filter', name])
  const env = userEnvironment()
  await run('npx', ['--yes', pnpm, '--recursive', ...filters, 'pack', '--pack-destination', tarballs], { cwd: root, env })
  const packed = readdirSync(tarballs).map((name) => path.join(tarballs, name))
  assert.equal(packed.length, packageNames().length, `packed ${packed.join(', ')}`)
  writeFileSync(path.join(folder, 'package.json'), '{}\n')
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packed], { cwd: folder, env })
}

/** The documents whose code a reader would paste: the READMEs of the project and its packages, and the guides. */
function documents(): string[] {
  const packages = packageNames().map((name) => path.join('packages', name.replace('@knotty/', ''), 'README.md'))
  const guides = readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return ['README.md', ...packages, ...guides.map((name) => path.join('docs', name))]
}

/** The JavaScript blocks of a Markdown text, with the line each starts at. */
function javascriptBlocks(markdown: string): { line: number; code: string }[] {
  return [...markdown.matchAll(/^```(?:js|javascript|mjs)[^\S\n]*\n(.*?)^```[^\S\n]*$/gms)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    code: match[1]!,
  }))
}

/** The TypeScript blocks that stand by themselves, which is to say import what they use. */
function typescriptBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts[^\S\n]*\n(import .*?)^```[^\S\n]*$/gms)].map((match) => match[1]!)
}

/** Whether a process can listen on the port, at any address. */
async function isFree(port: number): Promise<boolean> {
  const server = net.createServer().listen(port)
  const listening = await once(server, 'listening').then(() => true, () => false)
  if (listening) await new Promise((resolve) => server.close(resolve))
  return listening
}

/**
 * A function that gives code with a free port in the place of each that it names, the same one each time. They lie below those
 * that the system hands out by itself, so that no connection of another test takes one in between.
 */
async function portMapper(): Promise<(code: string) => string> {
  const ports = new Map<string, string>()
  for (const named of NAMED_PORTS) {
    let port: number
    do port = 10_000 + Math.floor(Math.random() * 20_000)
    while (ports.has(String(port)) || !(await isFree(port)))
    ports.set(named, String(port))
  }
  const pattern = new RegExp(`\\b(?:${NAMED_PORTS.join('|')})\\b`, 'g')
  return (code) => code.replace(pattern, (named) => ports.get(named)!)
}

/**
 * Runs a file with node until it ends by itself. A server to stay is asked to end with SIGTERM, the grace time after it has printed
 * a line. What goes on until the deadline is killed (`signal` is then SIGKILL).
 *
 * @param servers takes a server to stay, which goes on while the next blocks run
 */
async function runBlock(file: string, code: string, servers?: Set<ChildProcess>, deadlineMs = BLOCK_DEADLINE_MS): Promise<Ended> {
  const stays = code.includes('.bind(') && !EXPLICIT_END.test(code)
  writeFileSync(file, code)
  const child = spawn(process.execPath, [file], { cwd: path.dirname(file), env: userEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const deadline = performance.now() + deadlineMs
  let readyAt = Infinity
  let stopped = false
  while (child.exitCode === null && child.signalCode === null) {
    const now = performance.now()
    if (stays && readyAt === Infinity && stdout.includes('\n')) readyAt = now
    if (now > deadline) child.kill('SIGKILL')
    else if (now > readyAt + GRACE_MS && !stopped) {
      if (servers !== undefined) {
        servers.add(child)
        return { code: 0, signal: null, stopped: false, stdout, stderr }
      }
      stopped = child.kill('SIGTERM')
    }
    await Promise.race([closed, delay(20)])
  }
  await closed
  return { code: child.exitCode, signal: child.signalCode, stopped, stdout, stderr }
}

/** The lines of stderr in which node warns of something experimental or deprecated. */
function warnings(stderr: string): string[] {
  return stderr.split('\n').filter((line) => /\b(?:Experimental|Deprecation)?Warning:/.test(line))
}

/** Checks that a block has ended, or listened, as it should, without a warning, and has printed what its comments say. */
function assertRanWell(ended: Ended, code: string, deadlineMs = BLOCK_DEADLINE_MS): void {
  const well = ended.code === 0 || (ended.stopped && ended.signal === 'SIGTERM')
  const late = `did not end by itself, or as a server did not print a line or heed SIGTERM, within ${deadlineMs} ms`
  const end = ended.signal === 'SIGKILL' ? late : `exit code ${ended.code}, signal ${ended.signal}`
  const output = `\n--- stdout\n${ended.stdout}\n--- stderr\n${ended.stderr}`
  assert.ok(well, `${end}${output}`)
  assert.deepEqual(warnings(ended.stderr), [], 'node warns on stderr')
  const lines = ended.stdout.split('\n')
  for (const [, text] of code.matchAll(PRINTED)) {
    const pattern = new RegExp(`^${text!.split('…').map(escapeRegExp).join('.*')}$`)
    assert.ok(lines.some((line) => pattern.test(line)), `no line of stdout is: ${text}${output}`)
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

describe('the packed packages in an empty project', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'knotty-install-'))
  const tarballs = mkdtempSync(path.join(tmpdir(), 'knotty-tarballs-'))

  before(() => install(folder, tarballs))

  after(() => {
    rmSync(folder, { recursive: true, force: true })
    rmSync(tarballs, { recursive: true, force: true })
  })

  for (const document of documents()) {
    test(`every JavaScript block of ${document} runs as it stands`, async (t) => {
      const blocks = javascriptBlocks(readFileSync(path.join(root, document), 'utf8'))
      if (document.endsWith('README.md')) assert.ok(blocks.length > 0, `${document} holds no js, javascript or mjs block`)
      const place = path.join(folder, document.replaceAll('/', '-'))
      mkdirSync(place)
      const servers = new Set<ChildProcess>()
      const withFreePorts = await portMapper()
      // One after another: two blocks may listen on the same port.
      for (const { line, code } of blocks) {
        await t.test(`the block at ${document}:${line}`, async () => {
          const name = FILE_NAME.exec(code)?.[1] // of a text whose blocks are files that belong together
          const file = path.join(place, name ?? `line-${line}.mjs`)
          assertRanWell(await runBlock(file, withFreePorts(code), name === undefined ? undefined : servers), code)
        })
      }
      for (const server of servers) {
        if (server.kill('SIGTERM')) await once(server, 'exit')
        assert.deepEqual([server.exitCode, server.signalCode], [0, null], 'a server of this document ends with SIGTERM')
      }
    })
  }

  describe('what is said of a block that is wrong', () => {
    const blocks = javascriptBlocks(readFileSync(path.join(root, 'README.md'), 'utf8'))
    const client = blocks.find(({ code }) => code.includes('came back: '))!.code
    const print = "import 'knotty'\nconsole.log(1 + 1, 'a')"

    for (const [what, { code, error }] of Object.entries({
      'a client that forgets to close': { code: client.replace('ctx.close()', ''), error: /did not end by itself/ },
      'a client that fails': { code: client.replace('shutdownGracefully(', "shutdownGracefully('now', "), error: /exit code 1/ },
      'another output': { code: `${print} // 3 a`, error: /no line of stdout is: 3 a/ },
      'a part of the output': { code: `${print} // 2`, error: /no line of stdout is: 2/ },
      'another output around what is left out': { code: `${print} // 3 …`, error: /no line of stdout is: 3 …/ },
    })) {
      test(what, async () => {
        const deadlineMs = 3000
        const ended = await runBlock(path.join(folder, 'wrong.mjs'), code, undefined, deadlineMs)
        assert.throws(() => assertRanWell(ended, code, deadlineMs), error)
      })
    }
  })

  test('every TypeScript block with imports compiles with the options that docs/first-protocol.md names', async () => {
    const place = path.join(folder, 'typescript')
    mkdirSync(place)
    const blocks = documents().flatMap((document) => typescriptBlocks(readFileSync(path.join(root, document), 'utf8')))
    assert.ok(blocks.length > 0, 'no document has one')
    for (const [index, block] of blocks.entries()) writeFileSync(path.join(place, `block-${index}.mts`), block)
    const config = /^```json\n(.*?)^```$/ms.exec(readFileSync(path.join(root, 'docs/first-protocol.md'), 'utf8'))?.[1]
    assert.ok(config, 'docs/first-protocol.md shows no tsconfig.json')
    writeFileSync(path.join(place, 'tsconfig.json'), config)
    mkdirSync(path.join(place, 'node_modules'))
    symlinkSync(path.join(root, 'node_modules/@types'), path.join(place, 'node_modules/@types')) // what the page has the reader install
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
    await run(process.execPath, [tsc, '--noEmit', '-p', place]).catch(({ stdout }) => assert.fail(stdout as string))
  })

  test('CommonJS code gets the exports with require', async () => {
    const file = path.join(folder, 'require.cjs')
    const { code, stdout, stderr } = await runBlock(file, "const k = require('knotty')\nconsole.log(typeof k.ServerBootstrap)\n")
    assert.equal(code, 0, stderr)
    assert.equal(stdout, 'function\n', 'knotty exports no class ServerBootstrap')
    // Node 20 and 22 announce that require() of an ES module is young; nothing else may be said.
    assert.deepEqual(warnings(stderr).filter((line) => !/ExperimentalWarning: .*\bES Module\b/.test(line)), [])
  })
})
