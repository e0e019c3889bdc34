import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { EventLoopGroup, type SocketAddress, TcpSocketAddress } from '@knotty/transport'
import type { StreamHandle } from '../../../../packages/transport/dist/socket/libuv/binding.js'
import { LibuvIo } from '../../../../packages/transport/dist/socket/libuv/libuv-io.js'
import {
  bindHandle,
  connectHandle,
  listenHandle,
  localAddressOf,
  newListenerHandle,
  newSocketHandle,
} from '../../../../packages/transport/dist/socket/libuv/stream-handle.js'
import { uvError } from '../../../../packages/transport/dist/socket/uv-error.js'
import { LoadEnd } from './load-end.js'
import type { Batch, MessageStream } from './message-stream.js'

const READ_SLAB_BYTES = 1 << 20
const BACKLOG = 1024
const CONNECTING_AT_ONCE = 128
/** A measurement in which nothing came back yet goes on for so long. */
const SILENCE_MS = 10_000

/** What was measured between two moments. */
export interface LoadFigures {
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  /** Round trips of whole batches, in nanoseconds. */
  readonly latency: RecordableHistogram
  /** The share of a core this process took, 0 to 1. */
  readonly cpu: number
}

/**
 * Connections that send a batch each, and the next one when all of it has come back. They live on the handles of Knotty's libuv
 * transport, below its channels: what it does for a batch is one write, about one read, and some arithmetic on byte counts, so that
 * it needs less of a core than any server that looks at what it gets. {@link ceiling} tells how much less.
 */
export class ClosedLoop {
  readonly stream: MessageStream
  readonly io: LibuvIo = LibuvIo.of(new EventLoopGroup({ readSlabBytes: READ_SLAB_BYTES }).next())
  receivedBytes = 0
  /** In the place of whole batches while the load grows. */
  growing: Batch | undefined = undefined
  latency: RecordableHistogram = createHistogram()
  private readonly ends: LoadEnd[] = []
  private failed: (error: Error) => void = () => {}
  private readonly failure: Promise<never>

  constructor(stream: MessageStream) {
    this.stream = stream
    this.failure = new Promise((_resolve, reject) => (this.failed = reject))
    this.failure.catch(() => {}) // whoever measures meanwhile hears of it
  }

  /** Connects, some at a time; nothing is sent yet. */
  async connect(address: SocketAddress, connections: number): Promise<void> {
    let left = connections
    const one = async (): Promise<void> => {
      while (left-- > 0) this.ends.push(new LoadEnd(this, await connected(address)))
    }
    await Promise.all(Array.from({ length: Math.min(connections, CONNECTING_AT_ONCE) }, one))
  }

  /** All connections send their first batch. */
  start(): void {
    for (const end of this.ends) end.send()
  }

  /** Rejects when a connection fails, or brings other bytes than were sent in its first batch. */
  async measure(seconds: number): Promise<LoadFigures> {
    this.latency = createHistogram()
    this.receivedBytes = 0
    const cpuBefore = process.cpuUsage()
    const start = performance.now()
    await this.wait(seconds)
    while (this.receivedBytes === 0) {
      if (performance.now() - start > SILENCE_MS) throw new Error(`nothing came back within ${SILENCE_MS} ms`)
      await this.wait(seconds)
    }
    const elapsedSeconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpuBefore)
    const bytesPerSecond = this.receivedBytes / elapsedSeconds
    return {
      messagesPerSecond: bytesPerSecond / this.stream.unitBytes,
      bytesPerSecond,
      latency: this.latency,
      cpu: (user + system) / 1e6 / elapsedSeconds,
    }
  }

  async wait(seconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const passed = new Promise<void>((resolve) => (timer = setTimeout(resolve, seconds * 1000)))
    await Promise.race([passed, this.failure]).finally(() => clearTimeout(timer))
  }

  fail(why: string): void {
    this.failed(new Error(why))
    this.close()
  }

  /** Resets the connections: none waits for a FIN, no port stays taken. */
  close(): void {
    for (const end of this.ends.splice(0)) end.close()
  }

  /**
   * Messages a second that the generator could send and receive if a server took no time: both ends of each connection are the
   * generator's own, in this thread, and answer a batch with a batch. For each message it then does what it does for one that a
   * server echoes, one part of a write and one of a read, and nothing else runs on its core.
   */
  static async ceiling(stream: MessageStream, connections: number, seconds: number): Promise<number> {
    const loop = new ClosedLoop(stream)
    const address = new TcpSocketAddress('127.0.0.1', 0)
    const listener = newListenerHandle(address)
    const answering: LoadEnd[] = []
    try {
      bindHandle(listener, address, false)
      let allAccepted: () => void = () => {}
      const ready = new Promise<void>((resolve) => (allAccepted = resolve))
      listener.onconnection = (status, handle) => {
        if (status !== 0 || handle === undefined) return loop.fail(`accept: ${status}`)
        answering.push(new LoadEnd(loop, handle))
        if (answering.length === connections) allAccepted()
      }
      listenHandle(listener, BACKLOG, address)
      await loop.connect(localAddressOf(listener) as TcpSocketAddress, connections)
      await Promise.race([ready, loop.failure])
      for (const end of answering) end.expectBatch()
      loop.start()
      await loop.wait(seconds / 2)
      return (await loop.measure(seconds / 2)).messagesPerSecond
    } finally {
      loop.close()
      for (const end of answering) end.close()
      listener.close()
    }
  }
}

function connected(address: SocketAddress): Promise<StreamHandle> {
  const handle = newSocketHandle(address)
  return new Promise((resolve, reject) => {
    connectHandle(handle, address, (status) => {
      if (status === 0) return resolve(handle)
      handle.close()
      return reject(uvError(status, 'connect', address))
    })
  })
}
