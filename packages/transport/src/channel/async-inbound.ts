import { release } from '@knotty/buffer'
import { checkNonNegativeInteger, checkPositiveInteger, IllegalArgumentError } from '@knotty/common'
import Denque from 'denque'
import { ChannelStateError } from './errors.js'

/** How many messages may wait for the reader of an AsyncChannel. SwiftNIO's figures. */
export interface AsyncInboundOptions {
  /** When so many messages wait, AUTO_READ is turned off (10). */
  readonly highWaterMark?: number
  /** When so many are left, or fewer, it is turned on again (2); below `highWaterMark`. */
  readonly lowWaterMark?: number
}

/** What the queue asks of its channel. */
export interface InboundSource {
  /** False before the handler is in a pipeline. */
  readonly isAttached: boolean
  /** Stops reading; false when reading is off already, by somebody else. */
  pause(): boolean
  /** Reads again; called only after a {@link pause} that gave true. */
  resume(): void
  /** Nobody will read any more. */
  close(): Promise<void>
}

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void
  reject(cause: Error): void
}

/**
 * The messages of one channel as they come, for one reader: `for await (const msg of inbound)`. See AsyncChannel.
 *
 *     open ──end(), end(cause)──► ending: what waits is given out, then the end or the cause ──► done
 *       └────────────────────── close(): what waits is released ────────────────────────────────►┘
 */
export class AsyncInbound<T> implements AsyncIterable<T> {
  private readonly source: InboundSource
  private readonly high: number
  private readonly low: number
  private readonly queue = new Denque<T>()
  private state: 'open' | 'ending' | 'done' = 'open'
  private failure: Error | undefined = undefined
  /** A next() that waits; then the queue is empty. */
  private waiter: Waiter<T> | undefined = undefined
  private iterated = false
  /** Reading is off, and we did it. */
  private paused = false

  /** Internal: an AsyncChannel makes it. */
  constructor(source: InboundSource, options: AsyncInboundOptions) {
    this.source = source
    this.high = checkPositiveInteger(options.highWaterMark ?? 10, 'highWaterMark')
    this.low = checkNonNegativeInteger(options.lowWaterMark ?? Math.min(2, this.high - 1), 'lowWaterMark')
    if (this.low >= this.high) {
      throw new IllegalArgumentError(`lowWaterMark: ${this.low} (expected: less than highWaterMark: ${this.high})`)
    }
  }

  /** Messages that came and were not asked for yet. */
  get waiting(): number {
    return this.queue.length
  }

  /** Somebody reads, or did. */
  get isIterated(): boolean {
    return this.iterated
  }

  /**
   * The one iterator. A second call throws a ChannelStateError: two readers would share the messages by chance.
   */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined, void> {
    if (this.iterated) throw new ChannelStateError('inbound is iterated already: a channel has one reader')
    this.iterated = true
    return {
      next: () => this.next(),
      return: async () => {
        this.close()
        await this.source.close()
        return { done: true, value: undefined }
      },
    }
  }

  /** Internal: a message came; it is the reader's from here on. */
  offer(msg: T): void {
    if (this.state !== 'open') {
      release(msg)
      return
    }
    const { waiter } = this
    if (waiter !== undefined) {
      this.waiter = undefined
      waiter.resolve({ done: false, value: msg })
      return
    }
    this.queue.push(msg)
    // also when it is paused: somebody else may have turned reading on meanwhile
    if (this.queue.length >= this.high && this.source.pause()) this.paused = true
  }

  /** Internal: no message will come; `failure` is thrown behind those that wait. False when the end was known before. */
  end(failure?: Error): boolean {
    if (this.state !== 'open') return false
    this.state = 'ending'
    this.failure = failure
    const { waiter } = this
    if (waiter === undefined) return true
    this.waiter = undefined
    this.state = 'done'
    if (failure === undefined) waiter.resolve({ done: true, value: undefined })
    else waiter.reject(failure)
    return true
  }

  /** Internal: the reader is gone: ends the iteration and releases what waits. */
  close(): void {
    this.end()
    this.state = 'done'
    while (this.queue.length > 0) release(this.queue.shift())
  }

  /** Internal: gives reading back to the channel, which goes on without us. */
  detach(): void {
    if (!this.paused) return
    this.paused = false
    this.source.resume()
  }

  private next(): Promise<IteratorResult<T, undefined>> {
    if (this.queue.length > 0) {
      const value = this.queue.shift() as T
      if (this.queue.length <= this.low) this.detach()
      return Promise.resolve({ done: false, value })
    }
    if (this.state !== 'open') return this.last()
    if (!this.source.isAttached) return Promise.reject(new ChannelStateError('the AsyncChannel is not in a pipeline yet: add it first'))
    if (this.waiter !== undefined) return Promise.reject(new ChannelStateError('next() was called before the last one had its message'))
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject }
    })
  }

  private last(): Promise<IteratorResult<T, undefined>> {
    const failure = this.state === 'ending' ? this.failure : undefined
    this.state = 'done'
    return failure === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(failure)
  }
}
