import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { after, afterEach, describe, test } from 'node:test'

const benchmarks = path.resolve(import.meta.dirname, '../../../benchmarks')
const running = new Set<ChildProcess>()

/** A program of the benchmarks, and its lines. */
class Running {
  readonly child: ChildProcess
  private readonly lines: AsyncIterator<string>
  private errors = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const own = { KNOTTY_LEAK_DETECTION: 'disabled', KNOTTY_POISON_SLAB: '', NODE_OPTIONS: '' }
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...own, ...env } })
    running.add(this.child)
    this.child.once('exit', () => running.delete(this.child))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text))
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    const { value, done } = await this.lines.next()
    assert.ok(done !== true, `ended, and said: ${this.errors}`)
    return value as string
  }

  async port(): Promise<string> {
    const line = await this.line()
    const port = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
    assert.ok(port, `printed: ${line}`)
    return port
  }

  /** Its exit code and what it wrote to standard error. */
  async end(): Promise<{ code: number | null; errors: string }> {
    const { child } = this
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    return { code: child.exitCode, errors: this.errors }
  }
}

const macro = (name: string, ...args: readonly string[]): Running => new Running(['--expose-gc', path.join(benchmarks, 'dist/macro', name), ...args])
const transport = (name: string, args: readonly string[], KNOTTY_TRANSPORT: string): Running =>
  new Running(['--expose-gc', path.join(benchmarks, 'dist', name), ...args], { KNOTTY_TRANSPORT })
const handEcho = (): Running => new Running([path.join(benchmarks, 'prototype/slab-echo.mjs'), '--serve', 'handle'])

const TINY = ['--connections', '3', '--size', '50', '--in-flight', '4', '--seconds', '0.1', '--warm-up', '0.05', '--json']

interface Measured {
  readonly messagesPerSecond: number
  readonly latency: { readonly p50: number; readonly max: number }
  readonly loadCpu: number
  readonly serverCpu?: number
}

/** Runs the load to its end; it compares the first batch of each connection itself. */
async function load(...args: readonly string[]): Promise<Measured> {
  const generator = macro('load.js', ...TINY, '--ceiling', '0', ...args)
  const measured = JSON.parse(await generator.line()) as Measured
  assert.deepEqual(await generator.end(), { code: 0, errors: '' })
  assert.ok(measured.messagesPerSecond > 0)
  assert.ok(measured.latency.p50 > 0 && measured.latency.max >= measured.latency.p50)
  return measured
}

async function killAll(): Promise<void> {
  const ended = [...running].map((child) => once(child, 'exit'))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ended)
}

afterEach(killAll)
after(() => assert.equal(running.size, 0))

describe('the load generator', () => {
  test('prints its own ceiling, and that alone without a server', async () => {
    const generator = macro('load.js', ...TINY, '--ceiling', '0.1')
    const { ceiling } = JSON.parse(await generator.line()) as { ceiling: number }
    assert.ok(ceiling > 0)
    assert.deepEqual(await generator.end(), { code: 0, errors: '' })
  })

  test('loads a server with whole frames, with frames cut at random bytes, and slowly at first', async () => {
    const port = await handEcho().port()
    await load('--port', port)
    await load('--port', port, '--mode', 'cut')
    await load('--port', port, '--slow-start')
  })

  test('loads a Unix domain socket with bytes that have no frames', async (t) => {
    const socketPath = path.join(tmpdir(), `knotty-load-${process.pid}`)
    const server = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(socketPath)
    t.after(() => {
      server.close()
      rmSync(socketPath, { force: true })
    })
    await once(server, 'listening')
    await load('--unix', socketPath, '--mode', 'raw')
  })

  test('tells the shares of the cores that it and the server took', async () => {
    const server = handEcho()
    const { loadCpu, serverCpu } = await load('--port', await server.port(), '--server-pid', String(server.child.pid))
    assert.ok(loadCpu > 0)
    if (process.platform === 'linux') assert.equal(typeof serverCpu, 'number')
  })

  for (const { what, answer, says } of [
    { what: 'other bytes come back', answer: (chunk: Buffer) => chunk.map((byte) => byte ^ 1), says: /the echo differs from what was sent/ },
    { what: 'the server ends a connection', answer: () => undefined, says: /a connection ended: libuv error -/ },
  ]) {
    test(`fails with one line when ${what}`, async (t) => {
      const server = net.createServer((socket) => {
        socket.on('error', () => undefined)
        socket.on('data', (chunk: Buffer) => {
          const bytes = answer(chunk)
          if (bytes === undefined) socket.destroy()
          else socket.write(bytes)
        })
      })
      t.after(() => server.close())
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const { code, errors } = await macro('load.js', ...TINY, '--ceiling', '0', '--port', String((server.address() as AddressInfo).port)).end()
      assert.equal(code, 1)
      assert.match(errors, says)
      assert.equal(errors.trim().split('\n').length, 1)
    })
  }

  test('names a mistake on the command line', async () => {
    for (const [args, says] of [
      [['--mode', 'fast'], 'load: --mode: fast (expected: aligned, cut or raw)\n'],
      [['--size', '0'], 'load: --size: 0 (expected: a whole number above 0)\n'],
      [['--port', '70000'], 'load: --port: 70000 (expected: 1 to 65535, and no --unix)\n'],
    ] as const) {
      assert.deepEqual(await macro('load.js', ...args).end(), { code: 1, errors: says })
    }
  })
})

describe('the servers of the macro benchmarks', () => {
  for (const name of ['libuv', 'net']) {
    test(`echo, framed and raw: ${name}`, async () => {
      await load('--port', await transport('peers/knotty-echo.js', ['framed'], name).port())
      await load('--port', await transport('peers/knotty-echo.js', ['raw'], name).port(), '--mode', 'raw')
    })
  }

  for (const proxy of ['libuv', 'net', 'two pipes']) {
    test(`pass a connection on: ${proxy}`, async () => {
      const target = await handEcho().port()
      const server = proxy === 'two pipes' ? macro('proxy-net.js', target) : transport('macro/proxy-knotty.js', [target], proxy)
      await load('--port', await server.port())
    })
  }

  for (const server of ['libuv', 'net', 'net.createServer']) {
    test(`accept connections that end: ${server}`, async () => {
      for (const mode of ['closing', 'answering']) {
        const accepting = server === 'net.createServer' ? macro('churn-net.js', mode) : transport('macro/churn-knotty.js', [mode], server)
        const client = macro('churn-load.js', await accepting.port(), mode, '4', '0.1', String(accepting.child.pid))
        const { connectionsPerSecond } = JSON.parse(await client.line()) as { connectionsPerSecond: number }
        assert.ok(connectionsPerSecond > 0)
        assert.deepEqual(await client.end(), { code: 0, errors: '' })
      }
    })

    test(`hold idle connections: ${server}`, async () => {
      const sizes = ['20', '60']
      const holder = server === 'net.createServer' ? macro('idle-net.js', ...sizes) : transport('macro/idle-knotty.js', sizes, server)
      const port = await holder.port()
      const first = macro('idle-clients.js', port, '20')
      assert.equal(await first.line(), 'connected')
      assert.equal(await holder.line(), 'first')
      const others = macro('idle-clients.js', port, '40')
      assert.equal(await others.line(), 'connected')
      const memory = JSON.parse(await holder.line()) as Record<string, number>
      assert.deepEqual(Object.keys(memory), ['heap', 'external', 'rss'])
      for (const bytes of Object.values(memory)) assert.ok(Number.isFinite(bytes))
    })
  }
})
