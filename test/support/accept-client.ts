import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'

/**
 * What one connection of the client does: nothing; send a byte and wait; send a byte, and when told send FIN, reset or close.
 *
 * A Unix domain socket has no RST: its peer sees ECONNRESET when the client closes and has not read everything, so a `reset` one
 * reads nothing there, and the server must have sent a byte. It sends none itself: the server would see EPIPE at its answer first.
 */
export type ConnectionKind = 'silent' | 'byte' | 'fin' | 'reset' | 'gone'

/** Where the client connects to. */
export type ConnectTarget = { readonly host: string; readonly port: number } | { readonly path: string }

export type ClientCommand =
  | { readonly op: 'open'; readonly batch: number; readonly target: ConnectTarget; readonly kinds: readonly ConnectionKind[] }
  | { readonly op: 'act'; readonly batch: number }
  | { readonly op: 'ends'; readonly batch: number }
  | { readonly op: 'echo'; readonly target: ConnectTarget; readonly text: string }

/** The connections of one test. */
export interface ClientBatch {
  /** Sends the FINs and RSTs, and closes. */
  act(): Promise<void>
  /** What the client saw of the end of each connection, when the last has ended: end (FIN), close (its own reset) or an error code. */
  ends(): Promise<string[]>
}

/** A process that connects to the server under test; its pipe must be open before the test counts its sockets. */
export class AcceptClient {
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  private lastId = 0

  constructor() {
    this.child = fork(path.join(import.meta.dirname, 'accept-client-process.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.child.on('message', (message) => {
      const { id, result, error } = message as { id: number; result: unknown; error?: string }
      const call = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) call?.resolve(result)
      else call?.reject(new Error(error))
    })
    this.child.on('exit', (code, signal) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the client process ended (${code ?? signal})`))
    })
  }

  /** Connects, one connection for each kind; resolves when all stand. */
  async open(target: ConnectTarget, kinds: readonly ConnectionKind[]): Promise<ClientBatch> {
    const batch = ++this.lastId
    await this.call({ op: 'open', batch, target, kinds })
    return {
      act: async () => void (await this.call({ op: 'act', batch })),
      ends: async () => (await this.call({ op: 'ends', batch })) as string[],
    }
  }

  /** Sends `text` on a connection of its own; gives what came back until as many bytes were there or the connection ended. */
  async echo(target: ConnectTarget, text = 'ping'): Promise<string> {
    return (await this.call({ op: 'echo', target, text })) as string
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.disconnect()
    await exited
  }

  private call(command: ClientCommand): Promise<unknown> {
    const id = ++this.lastId
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.child.send({ id, command }, (error) => {
        if (error !== null) reject(error)
      })
    })
  }
}
