import { Buffer } from 'node:buffer'
import { ByteBuf, Storage } from '@knotty/buffer'
import { DecoderError } from '@knotty/codec'
import { toError } from '@knotty/common'
import { type ChannelHandler, type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { toComparable } from './comparable.js'
import type { VerificationReason } from './errors.js'

/** What a run ends with: the channel closes, or the decoders are removed. */
export type RunEnd = 'closed' | 'removed'

/** What came out of a decoder. */
export interface DecoderOutput {
  /** Comparable messages, before the end and with it. */
  readonly messages: unknown[]
  readonly errors: Error[]
  /** For each error how many messages had come. */
  readonly messagesBefore: number[]
  /** How many of both had come before the end. */
  messagesBeforeEnd: number
  errorsBeforeEnd: number
  /** Bytes handed on by the removal. */
  leftOver: Buffer
}

/** Something no pipeline would have let pass. */
export interface RunFault {
  readonly reason: VerificationReason
  readonly message: string
  readonly cause?: unknown
}

/** Told once by decoders that failed, for bytes that come later: whether any come depends on the feed. */
const FAILED_BEFORE = 'ERR_KNOTTY_DECODER_FAILED_BEFORE'

const SLAB_FILL = 0xdd
const NO_BYTES = new Uint8Array(0)

/**
 * One decoder, or several in a row, fed once. Each chunk lies in memory that is overwritten with 0xDD as soon as its read is over, as a
 * socket's read slab is; what is still referenced then is moved out first.
 *
 * With the end `closed` the messages are kept until their read is over, which finds those that look into the slab; with `removed` they
 * are released at once, as a handler would, and AUTO_READ is off.
 */
export class DecoderRun {
  readonly output: DecoderOutput = {
    messages: [],
    errors: [],
    messagesBefore: [],
    messagesBeforeEnd: 0,
    errorsBeforeEnd: 0,
    leftOver: Buffer.alloc(0),
  }
  fault: RunFault | undefined = undefined
  private readonly end: RunEnd
  private readonly release: (msg: unknown) => void
  private readonly decoders: readonly ChannelHandler[]
  private readonly channel = new EmbeddedChannel()
  private readonly storages: Storage[] = []
  private readonly held: unknown[] = []
  private removing = false
  private readsAsked = 0
  private readProduced = false
  private readFailed = false

  constructor(decoders: readonly ChannelHandler[], end: RunEnd, release: (msg: unknown) => void) {
    this.decoders = decoders
    this.end = end
    this.release = release
    this.channel.config.autoRead = end === 'closed'
    this.channel.pipeline.addLast(this.readCounter(), ...decoders, this.collector())
    this.attempt(() => this.channel.checkException()) // of a decoder that failed before the collector was there
  }

  /**
   * Feeds the chunks and ends; stops at a {@link fault}. What waits behind an error for the next read gets one without bytes. A channel
   * that the decoder closes gets no more chunks.
   */
  feed(chunks: readonly Uint8Array[]): void {
    // a decoder that fails without reading a byte would do so for ever
    let errorsAllowed = 1 + chunks.reduce((sum, { length }) => sum + length, 0)
    for (let index = 0; index < chunks.length || (this.readFailed && errorsAllowed-- > 0); index++) {
      if (!this.channel.isOpen) break
      this.read(chunks[index] ?? NO_BYTES)
      if (this.fault !== undefined) return
    }
    this.output.messagesBeforeEnd = this.output.messages.length
    this.output.errorsBeforeEnd = this.output.errors.length
    if (this.end === 'removed') this.remove()
    this.attempt(() => this.channel.finish())
    this.settleHeld()
  }

  /** Of the chunks: all messages are released, so nobody may hold one. */
  findUnreleased(): RunFault | undefined {
    const index = this.storages.findIndex(({ refCnt }) => refCnt > 0)
    if (index < 0) return undefined
    const references = this.storages[index]?.refCnt
    return { reason: 'release', message: `chunk ${index} still has a reference count of ${references} although all messages are released` }
  }

  private read(bytes: Uint8Array): void {
    const slab = Buffer.from(bytes)
    const storage = new Storage(slab, 0, slab.length, true)
    this.storages.push(storage)
    this.readsAsked = 0
    this.readProduced = false
    this.readFailed = false
    const { pipeline } = this.channel
    pipeline.fireChannelRead(ByteBuf.overStorage(storage))
    pipeline.fireChannelReadComplete()
    this.channel.runPendingTasks()
    if (storage.refCnt > 0) storage.moveOut()
    slab.fill(SLAB_FILL)
    this.settleHeld()
    if (this.readsAsked > 0 || this.channel.config.autoRead || this.readFailed || !this.channel.isOpen) return
    this.setFault('read', 'with AUTO_READ off a chunk gave no message and nobody asked for the next one: the channel would stand still')
  }

  /** The last one first, so that bytes come out in the order of the stream. */
  private remove(): void {
    this.removing = true
    const { pipeline } = this.channel
    for (const decoder of [...this.decoders].reverse()) if (pipeline.context(decoder) !== undefined) pipeline.remove(decoder)
    this.channel.runPendingTasks()
    this.removing = false
  }

  private setFault(reason: VerificationReason, message: string, cause?: unknown): void {
    this.fault ??= { reason, message, cause }
  }

  private accept(msg: unknown): void {
    if (this.removing && ByteBuf.isByteBuf(msg)) {
      this.output.leftOver = Buffer.concat([this.output.leftOver, msg.unsafeBuffer()])
      this.giveBack(msg)
    } else if (this.end === 'removed') {
      this.output.messages.push(this.comparable(msg))
      this.giveBack(msg)
    } else {
      this.held.push(msg)
      this.output.messages.push(msg)
    }
  }

  /** What was kept over its read is compared as it is now. */
  private settleHeld(): void {
    if (this.held.length === 0) return
    const { messages } = this.output
    const first = messages.length - this.held.length
    for (const [index, msg] of this.held.entries()) messages[first + index] = this.comparable(msg)
    for (const msg of this.held.splice(0)) this.giveBack(msg)
  }

  private comparable(msg: unknown): unknown {
    try {
      return toComparable(msg)
    } catch (thrown) {
      this.setFault('release', `a message cannot be read any more: ${toError(thrown).message}`, thrown)
      return undefined
    }
  }

  private giveBack(msg: unknown): void {
    try {
      this.release(msg)
    } catch (thrown) {
      this.setFault('release', `a message that came cannot be released: ${toError(thrown).message}`, thrown)
    }
  }

  private attempt(action: () => unknown): void {
    try {
      action()
    } catch (thrown) {
      this.addError(toError(thrown))
    }
  }

  private addError(error: Error): void {
    this.output.errors.push(error)
    this.output.messagesBefore.push(this.output.messages.length)
  }

  private readCounter(): ChannelHandler {
    return {
      read: (ctx: ChannelHandlerContext): void => {
        this.readsAsked++
        ctx.read()
      },
    }
  }

  /** The last handler: with AUTO_READ off it asks for the next read when this one gave it something, as applications do. */
  private collector(): ChannelHandler {
    return {
      channelRead: (_ctx: ChannelHandlerContext, msg: unknown): void => {
        this.readProduced = true
        this.accept(msg)
      },
      channelReadComplete: (ctx: ChannelHandlerContext): void => {
        if (this.readProduced && !ctx.channel.config.autoRead) ctx.read()
      },
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error): void => {
        if (cause instanceof DecoderError && cause.code === FAILED_BEFORE) return
        this.readFailed = true
        this.addError(cause)
      },
    }
  }
}
