import { release } from '@knotty/buffer'
import { toError } from '@knotty/common'
import type { Channel } from './channel.js'
import { ChannelOutputShutdownError } from './errors.js'

/** Writes to one channel and waits where a stream of writes has to wait. See AsyncChannel. */
export class AsyncOutbound<T> {
  private readonly channel: () => Channel
  /** Those who wait for the channel to be writable. */
  private suspended: (() => void)[] = []
  /** In its pipeline the handler tells of writability; once it is removed nobody does. */
  private attached = true
  /** Writes that have not left, or failed. */
  private unfinished = 0
  /** finish() waits for them. */
  private whenFinished: (() => void) | undefined = undefined
  private finishing: Promise<void> | undefined = undefined

  /** Internal: an AsyncChannel makes it. */
  constructor(channel: () => Channel) {
    this.channel = channel
  }

  /**
   * Writes and flushes a message, which belongs to the channel from here on. Resolves when it has left, which is when the kernel has taken
   * its last byte, and the channel is writable: whoever awaits each write never has more than one message waiting to be sent, and several
   * who write side by side stay near the channel's WRITE_BUFFER_WATER_MARK. Messages leave in the order of the calls, awaited or not.
   *
   * Rejects with what failed the write: a ClosedChannelError when the channel closed before the message had left, a
   * ChannelOutputShutdownError after {@link finish}. It does not wait for a channel that is closed to be writable, nor once the handler is
   * removed. The promise is a native one: to ignore
   * failures use `channel.write(msg, null)`.
   */
  async write(msg: T): Promise<void> {
    const channel = this.channelFor(msg)
    this.unfinished++
    try {
      await channel.writeAndFlush(msg)
    } finally {
      if (--this.unfinished === 0) this.whenFinished?.()
    }
    // without an outbound buffer the channel is closed, or its output is: it will never be writable again
    while (this.attached && !channel.isWritable && channel.outboundBuffer !== undefined) await this.untilWoken()
  }

  /**
   * Ends the output: waits until what was written here has left, or failed, and sends FIN. Reading goes on until the peer ends too. Done at
   * once when the channel is closed; a second call gives the same promise. What others write past this object while it waits fails.
   * Rejects, and ends nothing, before the AsyncChannel is in a pipeline.
   */
  finish(): Promise<void> {
    try {
      this.finishing ??= this.finish0(this.channel())
    } catch (error) {
      return Promise.reject(toError(error))
    }
    return this.finishing
  }

  /** Internal: the channel may be writable, or will never be. */
  wake(): void {
    const woken = this.suspended
    this.suspended = []
    for (const resume of woken) resume()
  }

  /** Internal: the handler is removed: nobody will call {@link wake} any more. */
  detach(): void {
    this.attached = false
    this.wake()
  }

  /** The channel; when the message cannot be written, an error, and the message is released. */
  private channelFor(msg: T): Channel {
    try {
      if (this.finishing === undefined) return this.channel()
      throw new ChannelOutputShutdownError('outbound.finish() was called: nothing may be written after it')
    } catch (error) {
      release(msg)
      throw error
    }
  }

  private untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.suspended.push(resolve)
    })
  }

  private async finish0(channel: Channel): Promise<void> {
    if (this.unfinished > 0) await new Promise<void>((resolve) => (this.whenFinished = resolve))
    if (channel.outboundBuffer !== undefined) await channel.shutdownOutput()
  }
}
