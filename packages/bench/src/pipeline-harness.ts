import type { Buffer } from 'node:buffer'
import { ByteBuf, release, Storage } from '@knotty/buffer'
import { type ChannelHandler, type ChannelHandlerContext, EmbeddedChannel, type OutboundBuffer } from '@knotty/transport'

/** A pipeline to be measured: fed by hand, and emptied at both ends. The functions can be used apart from the object. */
export interface PipelineHarness {
  /** The channel, for what the functions do not do: its pipeline, its event loop, its options. */
  readonly channel: EmbeddedChannel
  /** How many messages have reached the tail, each of which was released. */
  readonly inbound: number
  /** How many messages have reached the head and were flushed, each of which was released. */
  readonly outbound: number
  /**
   * What a transport does with bytes that it has read: channelRead with a buffer over them, channelReadComplete. The bytes are not
   * copied, and not the handlers' to keep, as those of a read slab: what they hold afterwards is copied. So the same chunk can be
   * read again and again. Throws what reached the tail as an exception.
   */
  readonly read: (chunk: Buffer) => void
  /** channelRead with any message, and channelReadComplete. The message is the pipeline's to release. */
  readonly readMessage: (msg: unknown) => void
  /** Writes a message at the tail, without a promise; {@link flush} follows. Throws what the write failed with. */
  readonly write: (msg: unknown) => void
  /** Flushes: the head takes what was written. */
  readonly flush: () => void
}

const harnesses = new Set<MeasuredChannel>()

/**
 * Makes a pipeline of the handlers, in a channel without I/O.
 *
 *     bench('MyDecoder, 64 messages a chunk', () => {
 *       const { read } = pipelineHarness(new MyDecoder())
 *       return () => read(chunk)
 *     }, { perRun: 64 })
 *
 * An exception that no handler takes, a channel that is closed, and in a {@link bench} a harness at whose ends nothing arrives at
 * all, are errors that end the case. Tasks of the event loop run at the end of each call, timers do not.
 */
export function pipelineHarness(...handlers: ChannelHandler[]): PipelineHarness {
  const channel = new MeasuredChannel(...handlers)
  channel.embeddedEventLoop.runTasks()
  channel.check()
  harnesses.add(channel)
  const { pipeline } = channel
  const loop = channel.embeddedEventLoop
  const readMessage = (msg: unknown): void => {
    pipeline.fireChannelRead(msg)
    pipeline.fireChannelReadComplete()
    loop.runTasks()
    channel.check()
  }
  return {
    channel,
    get inbound() {
      return channel.inbound
    },
    get outbound() {
      return channel.outbound
    },
    read: (chunk) => {
      const storage = new Storage(chunk, 0, chunk.length, true)
      readMessage(ByteBuf.overStorage(storage))
      // As the transport does before the next read overwrites the slab.
      if (storage.slab && storage.refCnt > 0) storage.moveOut()
    },
    readMessage,
    write: (msg) => {
      channel.write(msg, null)
      channel.check()
    },
    flush: () => {
      channel.flush()
      loop.runTasks()
      channel.check()
    },
  }
}

/** Throws when nothing has arrived at either end of a harness of this process. */
export function checkHarnesses(): void {
  for (const channel of harnesses) {
    if (channel.inbound + channel.outbound > 0) continue
    const handlers = channel.pipeline.names.join(', ')
    throw new Error(`nothing arrived at the tail or the head of the pipeline (${handlers}): what is measured does not do its work`)
  }
}

/** Counts and releases what arrives, and keeps the first exception. */
class MeasuredChannel extends EmbeddedChannel {
  inbound = 0
  outbound = 0
  /** Not initialised here: handlerAdded may fail inside the constructor of the channel. */
  private failure: Error | undefined

  /** Throws what went wrong since the last call. */
  check(): void {
    const { failure } = this
    if (failure !== undefined) {
      this.failure = undefined
      throw failure
    }
    if (!this.isOpen) throw new Error('a handler has closed the channel: nothing can be measured any more')
  }

  override onUnhandledMessage(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.inbound++
    release(msg)
  }

  override onUncaughtException(_ctx: ChannelHandlerContext, cause: Error): void {
    this.failure ??= cause
  }

  protected override doWrite(messages: OutboundBuffer): void {
    while (!messages.isEmpty) {
      messages.remove()
      this.outbound++
    }
  }
}
