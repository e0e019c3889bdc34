import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import process from 'node:process'
import { createInterface, type Interface } from 'node:readline'
import { text } from 'node:stream/consumers'

const dist = path.resolve(import.meta.dirname, '../../../packages/examples/dist')

/** What a program of an example ended with. */
export interface Ended {
  readonly output: string
  readonly errors: string
  readonly code: number | null
}

/** A server that has said where it listens. */
export interface ListeningServer {
  readonly server: ChildProcess
  readonly port: string
  /** What it prints from then on. */
  readonly lines: Interface
}

/** The programs of one example, in processes of their own; none outlives {@link killAll}. */
export class ExampleProcesses {
  private readonly folder: string
  private readonly running = new Set<ChildProcess>()

  /** @param name the folder of the example */
  constructor(name: string) {
    this.folder = path.join(dist, name)
  }

  start(file: string, ...args: string[]): ChildProcess {
    return this.watch(spawn(process.execPath, [path.join(this.folder, file), ...args], { stdio: ['pipe', 'pipe', 'pipe'] }))
  }

  /** Another process that must not outlive {@link killAll}. */
  watch(child: ChildProcess): ChildProcess {
    this.running.add(child)
    child.once('exit', () => this.running.delete(child))
    return child
  }

  /** Starts `server.js` and waits until it listens. */
  startServer(...args: string[]): Promise<ListeningServer> {
    return this.listening(this.start('server.js', '--port', '0', ...args))
  }

  /** Waits until a server says where it listens. */
  async listening(server: ChildProcess): Promise<ListeningServer> {
    const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream })
    const [line] = (await once(lines, 'line')) as [string]
    const port = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
    assert.ok(port, `printed: ${line}`)
    return { server, port, lines }
  }

  /** Runs a program with this standard input until it ends. */
  async run(file: string, input: string, ...args: string[]): Promise<Ended> {
    const child = this.start(file, ...args)
    const exit = once(child, 'exit') as Promise<[number | null]>
    child.stdin?.on('error', () => undefined) // it may have ended before it read all
    child.stdin?.end(input)
    const [output, errors] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), text(child.stderr as NodeJS.ReadableStream)])
    return { output, errors, code: (await exit)[0] }
  }

  /** Asks a server to end, and checks that it does so in good order. */
  async stop(server: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const exit = once(server, 'exit')
    server.kill(signal)
    assert.deepEqual(await exit, [0, null])
  }

  killAll(): void {
    for (const child of this.running) child.kill('SIGKILL')
  }
}
