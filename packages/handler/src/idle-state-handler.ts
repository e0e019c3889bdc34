import { checkDurationMs, checkOptions, IllegalArgumentError } from '@knotty/common'
import { addedMark, type ChannelHandler, type ChannelHandlerContext } from '@knotty/transport'
import { warnBehindDecoder } from './behind-decoder.js'
import { callHook } from './call-hook.js'
import { CLOCK_ERROR_MS } from './clock-error.js'
import { IdleStateEvent } from './idle-state-event.js'
import { IdleTimer, type IdleTimerOwner } from './idle-timer.js'
import { OutputWatch } from './output-watch.js'

/** Options of an {@link IdleStateHandler}. Each time is in ms; absent, 0 or less turns its event off. One at least is given. */
export interface IdleStateHandlerOptions {
  /** `READER_IDLE` when nothing was read for so long. */
  readonly readerIdleMs?: number
  /** `WRITER_IDLE` when no write completed for so long. */
  readonly writerIdleMs?: number
  /** `ALL_IDLE` when neither happened for so long. */
  readonly allIdleMs?: number
  /**
   * A write that has not completed but moves (bytes of it were taken, or others were queued, since the last look) is not idle (false). Looked at
   * once a `writerIdleMs` or `allIdleMs`; the first event of a silence comes all the same.
   */
  readonly observeOutput?: boolean
}

/** How it is made, for error messages. */
const FORM = 'new IdleStateHandler({ readerIdleMs, writerIdleMs, allIdleMs })'

/**
 * Fires an {@link IdleStateEvent} as user event when nothing was read, nothing was written, or neither, for some time, and again each time as
 * long has passed. What follows from that is up to a handler behind it:
 *
 *     channel.pipeline.addLast(new IdleStateHandler({ readerIdleMs: 60_000, writerIdleMs: 30_000 }), framer, {
 *       userEventTriggered(ctx, event) {
 *         if (!(event instanceof IdleStateEvent)) ctx.fireUserEventTriggered(event)
 *         else if (event.state === 'READER_IDLE') ctx.close()
 *         else ctx.writeAndFlush(ping(), null)
 *       },
 *     })
 *
 * **Place.** First in the pipeline, before decoders: behind one it sees whole messages only, and calls a peer idle that sends a long one
 * slowly. It says so in the log, once for each class of decoder.
 *
 * **Reading** counts at channelReadComplete of a read that brought something; between channelRead and channelReadComplete nobody is idle.
 * **Writing** counts when a message of the channel, whoever wrote it, has left whole ({@link Channel.lastWriteCompletedAt}); one that
 * failed does not count. Nothing is done per write.
 *
 * **Time** runs from channelActive, or from when the handler is added to an active channel. There is one timer for each kind that is on; it is
 * not touched when bytes move, but waits for the rest when it finds that some did. A loop that was blocked reads what waits in the sockets before
 * it calls anyone idle. An error of {@link channelIdle} goes to exceptionCaught of the next handler.
 */
export class IdleStateHandler implements ChannelHandler, IdleTimerOwner {
  static {
    Object.defineProperty(this.prototype, addedMark, {
      get(this: IdleStateHandler): boolean {
        return this.#wasAdded
      },
      set(this: IdleStateHandler, value: boolean) {
        this.#wasAdded = value
      },
    })
  }

  #wasAdded = false
  readonly #reader: IdleTimer | undefined
  readonly #writer: IdleTimer | undefined
  readonly #all: IdleTimer | undefined
  readonly #observeOutput: boolean
  /** `between`: deregistered, on the way to another event loop. */
  #state: 'new' | 'running' | 'between' | 'over' = 'new'
  #ctx: ChannelHandlerContext | undefined = undefined
  /** Between channelRead and channelReadComplete. */
  #reading = false
  /** Both in whole milliseconds, rounded up: nobody is called idle too early, and V8 keeps small integers in the object itself. */
  #readAt = 0
  #wroteAt = 0
  #output: OutputWatch | undefined = undefined

  /** An {@link IllegalArgumentError} without any of the three times, perhaps because its name is misspelt: it would never do anything. */
  constructor(options: IdleStateHandlerOptions) {
    checkOptions(options, FORM)
    if (options.readerIdleMs === undefined && options.writerIdleMs === undefined && options.allIdleMs === undefined) {
      throw new IllegalArgumentError(`options: none of the three times is given (expected: ${FORM}, 0 for one that is off)`)
    }
    const readerIdleMs = idleTime(options.readerIdleMs, 'readerIdleMs')
    const writerIdleMs = idleTime(options.writerIdleMs, 'writerIdleMs')
    const allIdleMs = idleTime(options.allIdleMs, 'allIdleMs')
    this.#reader = readerIdleMs > 0 ? new IdleTimer(this, 'READER_IDLE', readerIdleMs) : undefined
    this.#writer = writerIdleMs > 0 ? new IdleTimer(this, 'WRITER_IDLE', writerIdleMs) : undefined
    this.#all = allIdleMs > 0 ? new IdleTimer(this, 'ALL_IDLE', allIdleMs) : undefined
    this.#observeOutput = options.observeOutput ?? false
  }

  get readerIdleMs(): number {
    return this.#reader?.idleMs ?? 0
  }

  get writerIdleMs(): number {
    return this.#writer?.idleMs ?? 0
  }

  get allIdleMs(): number {
    return this.#all?.idleMs ?? 0
  }

  /** Fires the event; for subclasses to do something else instead. */
  protected channelIdle(ctx: ChannelHandlerContext, event: IdleStateEvent): void | Promise<void> {
    ctx.fireUserEventTriggered(event)
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    if (ctx.channel.isActive && ctx.channel.isRegistered) this.#start(ctx)
  }

  handlerRemoved(_ctx: ChannelHandlerContext): void {
    this.#stop()
  }

  channelRegistered(ctx: ChannelHandlerContext): void {
    if (ctx.channel.isActive) this.#start(ctx)
    ctx.fireChannelRegistered()
  }

  channelUnregistered(ctx: ChannelHandlerContext): void {
    if (this.#state === 'running') {
      this.#state = 'between'
      this.#cancelTimers()
    }
    ctx.fireChannelUnregistered()
  }

  channelActive(ctx: ChannelHandlerContext): void {
    this.#start(ctx)
    ctx.fireChannelActive()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.#stop()
    ctx.fireChannelInactive()
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.#reading = true
    if (this.#reader !== undefined) this.#reader.first = true
    if (this.#all !== undefined) this.#all.first = true
    ctx.fireChannelRead(msg)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    if (this.#reading) {
      this.#reading = false
      if (this.#reader !== undefined || this.#all !== undefined) this.#readAt = Math.ceil(ctx.eventLoop.ticker.now())
    }
    ctx.fireChannelReadComplete()
  }

  /** Internal: of an {@link IdleTimer}. */
  timerDue(timer: IdleTimer): void {
    const ctx = this.#ctx as ChannelHandlerContext
    if (!ctx.channel.isOpen) return
    const loop = ctx.eventLoop
    this.#noticeWrites(ctx)
    if (this.#reading && timer !== this.#writer) return timer.arm(loop, timer.idleMs)
    // Against the timer's own deadline, not the present: the loop promises that what had come by then was read, not what came since.
    const idleAt = this.#movedAt(timer) + timer.idleMs
    if (idleAt - timer.deadline > CLOCK_ERROR_MS) return timer.arm(loop, Math.max(0, idleAt - loop.ticker.now()))
    timer.arm(loop, timer.idleMs) // first: channelIdle may close the channel
    const { first } = timer
    timer.first = false
    if (timer !== this.#reader && this.#output?.changed(ctx.channel, this.#wroteAt, first) === true) return
    callHook(ctx, () => this.channelIdle(ctx, IdleStateEvent.of(timer.state, first)))
  }

  /** On an active channel, and once more on each event loop that it comes to. */
  #start(ctx: ChannelHandlerContext): void {
    if (this.#state === 'running' || this.#state === 'over') return
    const loop = ctx.eventLoop
    const now = loop.ticker.now()
    if (this.#state === 'new') {
      this.#ctx = ctx
      if (this.#reader !== undefined || this.#all !== undefined) warnBehindDecoder(ctx)
      if (this.#observeOutput) this.#output = new OutputWatch(ctx.channel)
      this.#readAt = Math.ceil(now)
      this.#wroteAt = this.#readAt
    }
    this.#state = 'running'
    for (const timer of [this.#reader, this.#writer, this.#all]) timer?.arm(loop, Math.max(0, this.#movedAt(timer) + timer.idleMs - now))
  }

  #stop(): void {
    this.#state = 'over'
    this.#cancelTimers()
  }

  #cancelTimers(): void {
    for (const timer of [this.#reader, this.#writer, this.#all]) timer?.cancel()
  }

  #noticeWrites(ctx: ChannelHandlerContext): void {
    const at = Math.ceil(ctx.channel.lastWriteCompletedAt)
    if (at <= this.#wroteAt) return
    this.#wroteAt = at
    if (this.#writer !== undefined) this.#writer.first = true
    if (this.#all !== undefined) this.#all.first = true
  }

  /** When something last moved in the direction of this timer. */
  #movedAt(timer: IdleTimer): number {
    if (timer === this.#reader) return this.#readAt
    return timer === this.#writer ? this.#wroteAt : Math.max(this.#readAt, this.#wroteAt)
  }
}

/** 0 for an event that is off. No time is below a millisecond, as in Netty. */
function idleTime(value: number | undefined, name: string): number {
  if (value === undefined || value <= 0) return 0
  return Math.max(1, checkDurationMs(value, name))
}
