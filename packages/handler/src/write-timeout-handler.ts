import { checkDurationMs, checkOptions, type ScheduledTask } from '@knotty/common'
import type { ChannelHandler, ChannelHandlerContext, ChannelPromise, OutboundBuffer } from '@knotty/transport'
import { callHook } from './call-hook.js'
import { CLOCK_ERROR_MS } from './clock-error.js'
import { WriteTimeoutError } from './timeout-errors.js'

/** Options of a {@link WriteTimeoutHandler}. */
export interface WriteTimeoutHandlerOptions {
  /** How long a write may take, in ms; 0 turns it off. */
  readonly timeoutMs: number
}

/** A write that is watched, and with it the ones before it. */
interface Mark {
  /** It was written then or earlier. */
  at: number
  /** How many messages the channel has completed when this one, and all that were queued before it, have. */
  position: number
  promise: ChannelPromise | null
}

/** A write is noticed at most this part of the timeout late. */
const MARKS_PER_TIMEOUT = 4

/**
 * Closes a channel when a write does not complete in time: a {@link WriteTimeoutError} goes to exceptionCaught of the next handler, then the
 * channel is closed, which fails the writes that wait.
 *
 *     channel.pipeline.addLast(new WriteTimeoutHandler({ timeoutMs: 10_000 }), new LengthFieldPrepender({ lengthFieldLength: 4 }), handler)
 *
 * A write has completed when its promise is done and all messages that were in the channel's outbound buffer behind it then have left. So
 * a write with a null promise is watched as well; but when a handler nearer to the socket keeps its message back, it is only from
 * when that reaches the buffer. A message that is written and never flushed times out; so does one that moves, but too slowly.
 *
 * Netty starts a timer for each write. Here there is one for a channel, while a write is out: it looks four times a timeout, and
 * watches the first write and the last one of each quarter. Writes complete in order, so none times out early, and none more
 * than a quarter of the timeout late.
 */
export class WriteTimeoutHandler implements ChannelHandler {
  private readonly timeoutMs: number
  /** The oldest first; at most MARKS_PER_TIMEOUT + 2. */
  private readonly marks: Mark[] = []
  /** The last write since the timer looked. */
  private latest: Mark | undefined = undefined
  private timer: ScheduledTask | undefined = undefined
  private timedOut = false

  constructor(options: WriteTimeoutHandlerOptions) {
    checkOptions(options, 'new WriteTimeoutHandler({ timeoutMs })')
    this.timeoutMs = checkDurationMs(options.timeoutMs, 'timeoutMs')
  }

  handlerRemoved(_ctx: ChannelHandlerContext): void {
    this.stop()
  }

  /** On another event loop than before: what was out still is. */
  channelRegistered(ctx: ChannelHandlerContext): void {
    if (this.marks.length > 0 && this.timer === undefined) this.arm(ctx, this.timeoutMs / MARKS_PER_TIMEOUT)
    ctx.fireChannelRegistered()
  }

  channelUnregistered(ctx: ChannelHandlerContext): void {
    this.cancelTimer()
    ctx.fireChannelUnregistered()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.stop()
    ctx.fireChannelInactive()
  }

  write(ctx: ChannelHandlerContext, msg: unknown, promise: ChannelPromise | null): void {
    ctx.write(msg, promise)
    const buffer = ctx.channel.outboundBuffer
    if (buffer !== undefined && this.timeoutMs > 0 && !ctx.isRemoved) this.watch(ctx, buffer, promise)
  }

  /** Called when a write has taken too long; the default acts once. An error of it goes to exceptionCaught of the next handler. */
  protected writeTimedOut(ctx: ChannelHandlerContext): void | Promise<void> {
    if (this.timedOut) return
    this.timedOut = true
    ctx.fireExceptionCaught(new WriteTimeoutError(this.timeoutMs))
    ctx.close()
  }

  private watch(ctx: ChannelHandlerContext, buffer: OutboundBuffer, promise: ChannelPromise | null): void {
    const position = buffer.completedMessages + buffer.messages
    if (this.marks.length === 0) {
      this.marks.push({ at: ctx.eventLoop.ticker.now(), position, promise })
      if (ctx.channel.isRegistered) this.arm(ctx, this.timeoutMs / MARKS_PER_TIMEOUT) // else in channelRegistered
    } else if (this.latest === undefined) {
      this.latest = { at: 0, position, promise }
    } else {
      this.latest.position = position
      this.latest.promise = promise
    }
  }

  private arm(ctx: ChannelHandlerContext, delayMs: number): void {
    this.timer = ctx.eventLoop.scheduleCoarse(() => this.look(ctx), delayMs, { partOfMs: this.timeoutMs })
  }

  private look(ctx: ChannelHandlerContext): void {
    this.timer = undefined
    const buffer = ctx.channel.outboundBuffer
    if (buffer === undefined) return this.stop() // closed, or its output is: what waited has failed
    const { marks } = this
    const now = ctx.eventLoop.ticker.now()
    if (this.latest !== undefined) {
      this.latest.at = now
      marks.push(this.latest)
      this.latest = undefined
    }
    while (marks[0] !== undefined && isComplete(marks[0], buffer)) marks.shift()
    const oldest = marks[0]
    if (oldest === undefined) return
    const leftMs = oldest.at + this.timeoutMs - now
    if (leftMs > CLOCK_ERROR_MS) return this.arm(ctx, Math.min(leftMs, this.timeoutMs / MARKS_PER_TIMEOUT))
    this.stop()
    callHook(ctx, () => this.writeTimedOut(ctx))
  }

  private cancelTimer(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private stop(): void {
    this.cancelTimer()
    this.marks.length = 0
    this.latest = undefined
  }
}

function isComplete(mark: Mark, buffer: OutboundBuffer): boolean {
  return mark.promise?.isDone !== false && buffer.completedMessages >= mark.position
}
