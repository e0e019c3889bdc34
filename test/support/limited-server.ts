import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import process from 'node:process'
import type { LeakScope } from './leak-scope.js'
import { freePath, type TestTransport } from './transports.js'

/** What the server tells of itself. */
export interface LimitedServerState {
  /** By the events: accepted connections, and the reasons of the refused ones. */
  readonly accepted: number
  readonly reasons: readonly string[]
  /** Messages of the diagnostics channel. */
  readonly published: number
  /** Refused events with an address. */
  readonly withAddress: number
  readonly counters: { readonly accepted: number; readonly refused: number }
  readonly open: number
  readonly cpuMs: number
}

export type LimitedServerCommand = { readonly op: 'state' } | { readonly op: 'fill'; readonly upTo: number } | { readonly op: 'empty' }

/** A client after it has sent a byte. */
export interface LimitedClient {
  readonly socket: net.Socket
  /** Its byte came back, or the connection was closed instead: with FIN (end) or with an error code. */
  readonly outcome: string
}

/** An echo server in a process of its own that may have so many descriptors. */
export class LimitedServer {
  private readonly child: ChildProcess
  private readonly target: net.NetConnectOpts

  private constructor(child: ChildProcess, target: net.NetConnectOpts) {
    this.child = child
    this.target = target
  }

  /** @param headroom undefined: the default */
  static async start(
    scope: Pick<LeakScope, 'onEnd'>,
    transport: TestTransport,
    descriptors: number,
    headroom?: number,
  ): Promise<LimitedServer> {
    const script = path.join(import.meta.dirname, 'limited-server-process.js')
    const socketPath = transport.family === 'unix' ? freePath(scope) : undefined
    const args = [script, transport.name, String(headroom ?? ''), ...(socketPath === undefined ? [] : [socketPath])]
    const child = spawn('sh', ['-c', `ulimit -n ${descriptors} && exec "$0" "$@"`, process.execPath, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
    })
    scope.onEnd(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    })
    const [address] = (await once(child, 'message')) as [string]
    const target = socketPath === undefined ? { host: '127.0.0.1', port: Number(address.split(':').at(-1)) } : { path: socketPath }
    return new LimitedServer(child, target)
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async ask(command: LimitedServerCommand = { op: 'state' }): Promise<LimitedServerState> {
    const answer = once(this.child, 'message')
    this.child.send(command)
    return (await answer)[0] as LimitedServerState
  }

  /** Connects so many clients at once; resolves when each is served or closed. */
  connect(count: number): Promise<LimitedClient[]> {
    return Promise.all(Array.from({ length: count }, () => this.connectOne()))
  }

  private connectOne(): Promise<LimitedClient> {
    return new Promise((resolve) => {
      const socket = net.connect(this.target, () => void socket.write('x'))
      const settle = (outcome: string) => (): void => resolve({ socket, outcome })
      socket.once('data', settle('served'))
      socket.once('end', settle('end'))
      socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message)())
      socket.once('close', settle('closed'))
    })
  }
}
