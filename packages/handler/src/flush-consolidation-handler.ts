import { checkOptions, checkPositiveInteger } from '@knotty/common'
import type { ChannelHandler, ChannelHandlerContext, ChannelPromise } from '@knotty/transport'

/** Options of {@link FlushConsolidationHandler}. */
export interface FlushConsolidationHandlerOptions {
  /** Flushes that are held back at most before one goes through (256). */
  readonly explicitFlushAfterFlushes?: number
  /** Hold back also the flushes outside of a read, until the end of this turn of the event loop (false). */
  readonly consolidateWhenNoReadInProgress?: boolean
}

/**
 * A chunk of so many bytes, the default readSlabBytes, is a full one: libuv reads on at once (src/unix/stream.c, uv__read). A shorter one
 * has emptied the socket, and ends the reads of this turn. With other slabs a wrong guess costs a merge, or the end of the turn.
 */
const FULL_CHUNK_BYTES = 65536

/**
 * Makes one flush, and so one system call, of the many that answering the messages of one read brings. Put it first in the pipeline.
 *
 *     channelRead   a ──► write, flush ─┐
 *     channelRead   b ──► write, flush ─┤ held back                       several chunks of one turn of the loop count as
 *     channelRead   c ──► write, flush ─┘                                 one read: after a full chunk the flush waits for
 *     channelReadComplete ─────────────────► one flush                    the next one, at most until the end of the turn
 *
 * What is held back is flushed when the read ends (behind channelReadComplete of the later handlers, whose flushes are merged as well),
 * after 256 flushes, before close and disconnect, on an exception, when the channel becomes unwritable, and when the handler is removed.
 * Outside of a read a flush passes, unless `consolidateWhenNoReadInProgress` says otherwise: then it waits for the end of the turn.
 */
export class FlushConsolidationHandler implements ChannelHandler {
  private readonly explicitFlushAfterFlushes: number
  private readonly always: boolean
  private pending = 0
  private reading = false
  private scheduled = false
  private bytesSeen = 0

  constructor(options: FlushConsolidationHandlerOptions = {}) {
    checkOptions(options, 'new FlushConsolidationHandler({ explicitFlushAfterFlushes })')
    this.explicitFlushAfterFlushes = checkPositiveInteger(options.explicitFlushAfterFlushes ?? 256, 'explicitFlushAfterFlushes')
    this.always = options.consolidateWhenNoReadInProgress ?? false
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.bytesSeen = ctx.channel.bytesRead
  }

  handlerRemoved(ctx: ChannelHandlerContext): void {
    this.end(ctx)
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.reading = true
    ctx.fireChannelRead(msg)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.fireChannelReadComplete()
    const { bytesRead } = ctx.channel
    const full = bytesRead - this.bytesSeen >= FULL_CHUNK_BYTES
    this.bytesSeen = bytesRead
    if (full && this.pending > 0) this.endLater(ctx)
    else this.end(ctx)
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    if (!ctx.channel.isWritable) this.flushHeld(ctx)
    ctx.fireChannelWritabilityChanged()
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    this.end(ctx)
    ctx.fireExceptionCaught(cause)
  }

  disconnect(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    this.end(ctx)
    ctx.disconnect(promise)
  }

  close(ctx: ChannelHandlerContext, promise: ChannelPromise): void {
    this.end(ctx)
    ctx.close(promise)
  }

  flush(ctx: ChannelHandlerContext): void {
    this.pending++
    if (!(this.reading || this.always) || this.pending >= this.explicitFlushAfterFlushes) this.flushHeld(ctx)
    else if (!this.reading) this.endLater(ctx)
  }

  private flushHeld(ctx: ChannelHandlerContext): void {
    if (this.pending === 0) return
    this.pending = 0
    ctx.flush()
  }

  private end(ctx: ChannelHandlerContext): void {
    this.reading = false
    this.flushHeld(ctx)
  }

  /** Behind the sockets of this turn: a task of the loop runs after its poll phase. */
  private endLater(ctx: ChannelHandlerContext): void {
    if (this.scheduled) return
    this.scheduled = true
    ctx.eventLoop.execute(() => {
      this.scheduled = false
      this.end(ctx)
    })
  }
}
