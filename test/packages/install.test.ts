import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../../..')

/** A block of the README must have ended, or listen, by then. */
const BLOCK_DEADLINE_MS = 10_000
/** The first line of a block that is a file for the later ones of its document. */
const FILE_NAME = /^\/\/ ([\w.-]+\.mjs)\n/
/** How long a block that listens or has printed may go on: one that does its work and ends by itself is not cut short. */
const GRACE_MS = 500

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
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
const INSTALLED: readonly string[] = ['knotty', '@knotty/codec-protobuf', '@knotty/testing']

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

/** True when the process has a TCP socket in the state LISTEN (0A); false where there is no /proc. */
function listens(pid: number): boolean {
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!existsSync(table)) continue
    for (const row of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const columns = row.trim().split(/\s+/)
      if (columns[3] === '0A') inodes.add(`socket:[${columns[9]}]`)
    }
  }
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((fd) => inodes.has(readlinkSync(path.join(folder, fd))))
  } catch {
    return false // it has ended, or a descriptor was closed meanwhile; the next round sees
  }
}

/**
 * Runs a file with node until it ends by itself. One that has printed a line or listens is asked to end with SIGTERM after
 * the grace time; one that does neither, or does not heed, is killed at the deadline (`signal` is then SIGKILL).
 *
 * @param servers takes a process that listens, which goes on while the next blocks run
 */
async function runBlock(file: string, servers?: Set<ChildProcess>): Promise<Ended> {
  const child = spawn(process.execPath, [file], { cwd: path.dirname(file), env: userEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const deadline = performance.now() + BLOCK_DEADLINE_MS
  let readyAt = Infinity
  let stopped = false
  while (child.exitCode === null && child.signalCode === null) {
    const now = performance.now()
    if (readyAt === Infinity && (stdout.includes('\n') || listens(child.pid!))) readyAt = now
    if (now > deadline) child.kill('SIGKILL')
    else if (servers !== undefined && listens(child.pid!)) {
      servers.add(child)
      return { code: 0, signal: null, stopped: false, stdout, stderr }
    } else if (!stopped && now > readyAt + GRACE_MS) stopped = child.kill('SIGTERM')
    await Promise.race([closed, delay(20)])
  }
  await closed
  return { code: child.exitCode, signal: child.signalCode, stopped, stdout, stderr }
}

/** The lines of stderr in which node warns of something experimental or deprecated. */
function warnings(stderr: string): string[] {
  return stderr.split('\n').filter((line) => /\b(?:Experimental|Deprecation)?Warning:/.test(line))
}

function assertEndedWell(ended: Ended): void {
  const well = ended.code === 0 || (ended.stopped && ended.signal === 'SIGTERM')
  const late = `neither ended nor listened within ${BLOCK_DEADLINE_MS} ms, or did not heed SIGTERM`
  const end = ended.signal === 'SIGKILL' ? late : `exit code ${ended.code}, signal ${ended.signal}`
  assert.ok(well, `${end}\n--- stdout\n${ended.stdout}\n--- stderr\n${ended.stderr}`)
  assert.deepEqual(warnings(ended.stderr), [], 'node warns on stderr')
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
      // One after another: two blocks may listen on the same port.
      for (const { line, code } of blocks) {
        await t.test(`the block at ${document}:${line}`, async () => {
          const name = FILE_NAME.exec(code)?.[1] // of a text whose blocks are files that belong together
          const file = path.join(place, name ?? `line-${line}.mjs`)
          writeFileSync(file, code)
          assertEndedWell(await runBlock(file, name === undefined ? undefined : servers))
        })
      }
      for (const server of servers) {
        const exit = once(server, 'exit')
        server.kill('SIGTERM')
        assert.deepEqual(await exit, [0, null], 'a server of this document ends with SIGTERM')
      }
    })
  }

  test('every TypeScript block with imports compiles in strict mode', async () => {
    const place = path.join(folder, 'typescript')
    mkdirSync(place)
    const blocks = documents().flatMap((document) => typescriptBlocks(readFileSync(path.join(root, document), 'utf8')))
    assert.ok(blocks.length > 0, 'no document has one')
    for (const [index, block] of blocks.entries()) writeFileSync(path.join(place, `block-${index}.mts`), block)
    const types = path.join(root, 'node_modules/@types')
    const compilerOptions = { strict: true, module: 'nodenext', target: 'es2024', noEmit: true, types: ['node'], typeRoots: [types] }
    writeFileSync(path.join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    await run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', place]).catch(({ stdout }) => assert.fail(stdout as string))
  })

  test('CommonJS code gets the exports with require', async () => {
    const file = path.join(folder, 'require.cjs')
    writeFileSync(file, "const k = require('knotty')\nconsole.log(typeof k.ServerBootstrap)\n")
    const { code, stdout, stderr } = await runBlock(file)
    assert.equal(code, 0, stderr)
    assert.equal(stdout, 'function\n', 'knotty exports no class ServerBootstrap')
    // Node 20 and 22 announce that require() of an ES module is young; nothing else may be said.
    assert.deepEqual(warnings(stderr).filter((line) => !/ExperimentalWarning: .*\bES Module\b/.test(line)), [])
  })
})
