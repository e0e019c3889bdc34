import { ByteBuf } from '@knotty/buffer'
import type { ChannelHandlerContext } from '@knotty/transport'
import { Cumulation } from './cumulation.js'
import type { DecodeSettings } from './decode-settings.js'
import { asDecoderError, asyncDecoder, cumulationLimit, laterBytes, nothingRead, strayResult } from './decoder-errors.js'
import { CUMULATION_LIMIT, type DecoderError, isStrayPromise } from './errors.js'
import { giveBackOutList, type OutList, takeOutList } from './out-list.js'
import { ReadQueue } from './read-queue.js'

/** What the driver calls: the protected methods of a ByteToMessageDecoder. */
export interface DrivenDecoder {
  decode(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void
  decodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void
  handlerRemoved0(ctx: ChannelHandlerContext): void
}

const NOBODY: DrivenDecoder = { decode: () => undefined, decodeLast: () => undefined, handlerRemoved0: () => undefined }
const NO_SETTINGS: DecodeSettings = { singleDecode: false, resynchronise: false, maxCumulationBytes: 0 }

/*
 * Where the calls stand (field `phase`). A message that comes in any phase but IDLE was sent by something further up this very stack:
 * it is queued, and read when the present one is done. A removal in DECODING waits for decode to return.
 *
 *     IDLE ──channelRead──► DRIVING ──► DECODING ──handlerRemoved──► LEAVING
 *       ▲                   │  ▲ ▲          │                           │
 *       └───────────────────┘  │ └──────────┘                           │
 *                              └──── leave(): outputs, unread bytes ◄───┘
 */
const IDLE = 0
const DRIVING = 1
const DECODING = 2
const LEAVING = 3

/* Whether bytes are still decoded (field `health`): after an error from which the decoder does not resynchronise they are not. */
const SOUND = 0
const FAILED = 1
/** Failed, and the bytes that came later were reported. */
const SILENT = 2

/**
 * Runs the decode of one decoder over what the channel reads: what is called when, who owns the bytes, and what happens when decode
 * throws, removes its handler, or makes the channel read again. Its state is apart from the decoder's, so that no field of a subclass can
 * collide with it.
 */
export class DecodeDriver {
  private decoder: DrivenDecoder = NOBODY
  private settings: DecodeSettings = NO_SETTINGS
  private phase = IDLE
  private health = SOUND
  /** Messages were fired since the last channelReadComplete. */
  private produced = false
  /** Bytes that decode waits for behind the unread ones; 0 when it did not say. */
  private missing = 0
  private cumulation: Cumulation | undefined = undefined
  /** The chunk under way; what of it is readable comes behind the cumulation. */
  private chunk: ByteBuf | undefined = undefined
  /** Decoded and not yet fired, of the innermost run. */
  private out: OutList | undefined = undefined
  /** Messages that came while another was under way. */
  private queue: ReadQueue | undefined = undefined
  /** The error that ended decoding. */
  private failure: DecoderError | undefined = undefined

  attach(decoder: DrivenDecoder, settings: DecodeSettings): void {
    this.decoder = decoder
    this.settings = settings
  }

  detach(): void {
    this.decoder = NOBODY
  }

  /** It keeps nothing for its decoder, which may go on with another one. (Once there was a cumulation it counts what was copied.) */
  get isIdle(): boolean {
    return this.phase === IDLE && !this.produced && this.cumulation === undefined && this.health === SOUND && this.queue === undefined
  }

  get copiedBytes(): number {
    return this.cumulation === undefined ? 0 : this.cumulation.copied
  }

  get unreadBytes(): number {
    return (this.cumulation?.unread ?? 0) + (this.chunk?.readableBytes ?? 0) + (this.queue?.bytes ?? 0)
  }

  read(ctx: ChannelHandlerContext, msg: unknown): void {
    if (this.phase !== IDLE) return this.readLater(ctx, msg)
    this.phase = DRIVING
    let error: Error | undefined
    try {
      error = this.readOne(ctx, msg)
      if (this.queue !== undefined) error = this.readQueued(ctx, error)
    } finally {
      this.phase = IDLE
    }
    if (error !== undefined) throw error
  }

  readComplete(ctx: ChannelHandlerContext): void {
    const produced = this.produced
    this.produced = false
    // nobody further on got a message, so nobody there will ask for the next read
    if (!produced && !ctx.channel.config.autoRead) ctx.read()
    ctx.fireChannelReadComplete()
  }

  removed(ctx: ChannelHandlerContext): void {
    if (this.phase === DECODING) this.phase = LEAVING
    else this.leave(ctx)
  }

  /** Decodes what is left, calls decodeLast, fires what they gave and then, with `inactive`, channelInactive. */
  inputClosed(ctx: ChannelHandlerContext, inactive: boolean): void {
    const outer = this.phase
    const outerOut = this.out
    const producedBefore = this.produced
    if (outer === IDLE) this.phase = DRIVING
    // when a handler further on closed the channel: what was decoded before comes before what is decoded now
    if (outer === DRIVING && outerOut !== undefined) this.fire(ctx, outerOut)
    const out = takeOutList()
    this.out = out
    this.produced = false
    let error: Error | undefined
    try {
      if (this.health === SOUND) error = this.decodeToTheEnd(ctx, out)
      // when the last decode threw, Netty completes the read only for messages that it had added itself
      const complete = out.messages.length > 0 || error === undefined
      this.fire(ctx, out)
      if (outer === IDLE) error = this.readQueued(ctx, error)
      if (complete && this.produced) ctx.fireChannelReadComplete()
      if (inactive) ctx.fireChannelInactive()
    } finally {
      this.produced ||= producedBefore
      this.out = outerOut
      if (outer === IDLE) this.phase = IDLE
      giveBackOutList(out)
    }
    if (error !== undefined) throw error
  }

  /** decode, with removal in there put off until it has returned; gives the bytes still missing, or 0. */
  callDecode(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number {
    const outer = this.phase
    this.phase = DECODING
    let result: number | void
    try {
      result = this.decoder.decode(ctx, input, out)
    } catch (thrown) {
      if (!this.settings.resynchronise) this.dropUnread()
      throw thrown
    } finally {
      const leaving = (this.phase as number) === LEAVING
      this.phase = outer
      if (leaving) this.leave(ctx)
    }
    return result === undefined ? 0 : this.missingOf(result)
  }

  private callDecodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): void {
    const outer = this.phase
    this.phase = DECODING
    try {
      const result: unknown = this.decoder.decodeLast(ctx, input, out)
      if (isStrayPromise(result)) throw asyncDecoder(this.decoder, 'decodeLast')
    } finally {
      const leaving = (this.phase as number) === LEAVING
      this.phase = outer
      if (leaving) this.leave(ctx)
    }
  }

  /** A message that came while another is under way. Its bytes count as unread, so no more of them wait than may be kept. */
  private readLater(ctx: ChannelHandlerContext, msg: unknown): void {
    if (ByteBuf.isByteBuf(msg)) {
      if (this.health !== SOUND) {
        const refused = this.refuse(msg)
        if (refused !== undefined) throw refused
        return
      }
      const unread = this.unreadBytes + msg.readableBytes
      if (unread > this.settings.maxCumulationBytes) {
        msg.release()
        const error = this.giveUp(cumulationLimit(this.decoder, this.settings.maxCumulationBytes, unread, 0))
        this.queue?.releaseBytes()
        // decoded before, so it comes before the error; what decode is adding just now cannot
        if (this.phase === DRIVING && this.out !== undefined) this.fire(ctx, this.out)
        throw error
      }
    }
    ;(this.queue ??= new ReadQueue()).push(msg)
  }

  private readOne(ctx: ChannelHandlerContext, msg: unknown): Error | undefined {
    if (!ByteBuf.isByteBuf(msg)) {
      ctx.fireChannelRead(msg)
      return undefined
    }
    if (this.health !== SOUND) return this.refuse(msg)
    const out = takeOutList()
    this.out = out
    this.chunk = msg
    let error: Error | undefined
    try {
      try {
        const cumulation = this.cumulation
        if (cumulation === undefined || cumulation.buffer === undefined) this.decodeAll(ctx, msg, out)
        else this.decodeBehindRest(ctx, cumulation, msg, out)
        this.keepRest(ctx, msg)
      } catch (thrown) {
        error = this.failed(ctx, thrown)
      }
      this.chunk = undefined
      msg.release()
      if (out.messages.length > 0) this.fire(ctx, out)
    } finally {
      this.chunk = undefined
      this.out = undefined
      giveBackOutList(out)
    }
    return error
  }

  /** Reads what was queued; an error is told before later bytes are decoded. Gives the last error, to be thrown. */
  private readQueued(ctx: ChannelHandlerContext, first: Error | undefined): Error | undefined {
    let error = first
    while (this.queue !== undefined && !this.queue.isEmpty) {
      if (error === undefined) {
        error = this.readOne(ctx, this.queue.take())
      } else {
        const told = error
        error = undefined
        ctx.invokeExceptionCaught(told)
      }
    }
    this.queue = undefined
    return error
  }

  /** The rest of earlier chunks is completed from the new one as far as decode asked for, and the remainder decoded in place. */
  private decodeBehindRest(ctx: ChannelHandlerContext, cumulation: Cumulation, chunk: ByteBuf, out: OutList): void {
    for (;;) {
      const available = chunk.readableBytes
      const missing = this.missing
      if (missing > available) {
        this.missing = missing - available
        return cumulation.append(ctx.alloc, chunk, available, this.missing)
      }
      cumulation.append(ctx.alloc, chunk, missing > 0 ? missing : available, 0)
      this.decodeAll(ctx, cumulation.buffer ?? chunk, out)
      if (ctx.isRemoved || (this.settings.singleDecode && out.messages.length > 0)) return
      if (cumulation.unread === 0) {
        cumulation.drop()
        return this.decodeAll(ctx, chunk, out)
      }
      if (!chunk.isReadable) return
      this.checkLimit(cumulation.unread)
    }
  }

  /** Calls decode until it makes no progress. The messages of one call are fired before the next, those of the last are left in `out`. */
  private decodeAll(ctx: ChannelHandlerContext, input: ByteBuf, out: OutList): void {
    const { messages } = out
    this.missing = 0
    while (input.isReadable) {
      if (messages.length > 0) {
        this.fire(ctx, out)
        if (ctx.isRemoved) return
        if (!input.isReadable) return // a handler further on closed the channel: everything was decoded in there
      }
      const before = input.readableBytes
      const missing = this.callDecode(ctx, input, messages)
      if (ctx.isRemoved) return
      if (messages.length === 0) {
        if (missing === 0 && input.readableBytes < before) continue
        this.missing = missing
        return
      }
      if (input.readableBytes === before) throw nothingRead(this.decoder)
      if (this.settings.singleDecode) return
    }
  }

  /** What of the chunk and the cumulation is unread now stays for the next chunk; the chunk itself does not. */
  private keepRest(ctx: ChannelHandlerContext, chunk: ByteBuf): void {
    const rest = chunk.readableBytes
    let cumulation = this.cumulation
    if (rest === 0) {
      if (cumulation === undefined || cumulation.buffer === undefined) return
      this.checkLimit(cumulation.unread)
    } else {
      cumulation ??= this.cumulation = new Cumulation(this.settings.maxCumulationBytes)
      this.checkLimit(cumulation.unread + rest)
      cumulation.append(ctx.alloc, chunk, rest, this.missing)
    }
    cumulation.trim(ctx.alloc, this.missing)
  }

  private checkLimit(unread: number): void {
    const { missing } = this
    const { maxCumulationBytes } = this.settings
    if (unread + missing > maxCumulationBytes) throw cumulationLimit(this.decoder, maxCumulationBytes, unread, missing)
  }

  private decodeToTheEnd(ctx: ChannelHandlerContext, out: OutList): Error | undefined {
    try {
      const input = this.joined(ctx)
      this.decodeAll(ctx, input, out)
      if (!ctx.isRemoved) this.callDecodeLast(ctx, input, out.messages)
      return undefined
    } catch (thrown) {
      return this.failed(ctx, thrown)
    } finally {
      this.dropUnread()
    }
  }

  /** All unread bytes as one input, for the last decode. */
  private joined(ctx: ChannelHandlerContext): ByteBuf {
    const chunk = this.chunk
    const cumulation = this.cumulation
    if (cumulation === undefined || cumulation.unread === 0) return chunk ?? ByteBuf.EMPTY
    if (chunk !== undefined) cumulation.append(ctx.alloc, chunk, chunk.readableBytes, 0)
    return cumulation.buffer ?? ByteBuf.EMPTY
  }

  /** What was thrown, as a DecoderError. The rest is kept, or decoding is over. */
  private failed(ctx: ChannelHandlerContext, thrown: unknown): DecoderError {
    const error = asDecoderError(this.decoder, thrown)
    this.missing = 0
    if (this.settings.resynchronise && error.code !== CUMULATION_LIMIT) {
      try {
        if (this.chunk !== undefined) this.keepRest(ctx, this.chunk)
        return error
      } catch (limit) {
        ctx.invokeExceptionCaught(error)
        return this.giveUp(asDecoderError(this.decoder, limit))
      }
    }
    return this.giveUp(error)
  }

  private giveUp(error: DecoderError): DecoderError {
    this.health = FAILED
    this.failure = error
    this.dropUnread()
    return error
  }

  /** Bytes that come after the error that ended decoding. */
  private refuse(chunk: ByteBuf): DecoderError | undefined {
    const bytes = chunk.readableBytes
    chunk.release()
    if (this.health === SILENT || bytes === 0) return undefined
    this.health = SILENT
    return laterBytes(this.decoder, this.failure, bytes)
  }

  private dropUnread(): void {
    this.missing = 0
    this.cumulation?.drop()
    this.chunk?.skipBytes(this.chunk.readableBytes)
  }

  /** The handler is out of the pipeline: decoded messages, unread bytes and queued messages go on, in this order. */
  private leave(ctx: ChannelHandlerContext): void {
    if (this.out !== undefined) this.fire(ctx, this.out)
    const { chunk, cumulation, queue } = this
    this.missing = 0
    if (chunk !== undefined && cumulation?.buffer !== undefined) cumulation.append(ctx.alloc, chunk, chunk.readableBytes, 0)
    const bytes = cumulation?.take() ?? (chunk?.isReadable ? chunk.readRetainedSlice(chunk.readableBytes) : undefined)
    this.queue = undefined
    if (bytes !== undefined) ctx.fireChannelRead(bytes)
    if (queue !== undefined) {
      if (this.health !== SOUND) queue.releaseBytes()
      while (!queue.isEmpty) ctx.fireChannelRead(queue.take())
    }
    if (bytes !== undefined || queue !== undefined) ctx.fireChannelReadComplete()
    this.decoder.handlerRemoved0(ctx)
  }

  private fire(ctx: ChannelHandlerContext, out: OutList): void {
    const { messages } = out
    if (messages.length === 0) return
    this.produced = true
    // a single place is never a taken one, and this is quicker than take(): 14 ns a message in all, not 19
    if (messages.length === 1) {
      ctx.fireChannelRead(messages.pop())
      return
    }
    // a leave() or inputClosed() in there goes on behind what was taken out
    while (messages.length > 0) ctx.fireChannelRead(out.take())
  }

  private missingOf(result: unknown): number {
    if (typeof result === 'number') return result > 0 ? Math.ceil(result) : 0
    throw isStrayPromise(result) ? asyncDecoder(this.decoder, 'decode') : strayResult(this.decoder, result)
  }
}
