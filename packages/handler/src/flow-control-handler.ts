import { release } from '@knotty/buffer'
import { checkOptions, checkPositiveInteger } from '@knotty/common'
import { type ChannelHandler, type ChannelHandlerContext, ChannelInputShutdownEvent } from '@knotty/transport'
import Denque from 'denque'
import { QueueOverflowError } from './errors.js'

/** Options of {@link FlowControlHandler}. */
export interface FlowControlHandlerOptions {
  /** Release the messages that still wait when the channel becomes inactive (true); false leaves them to the collector. */
  readonly releaseMessages?: boolean
  /** So many messages may wait; one more is an error that closes the channel (100000). A chunk of 64 KiB can hold 65536. */
  readonly maxQueuedMessages?: number
}

/**
 * One message for each read(), with AUTO_READ off: a decoder before it makes any number of messages of one chunk, and turning AUTO_READ
 * off stops none of them. Put it behind the decoder.
 *
 *     decoder ──► m1 m2 m3 ──► FlowControlHandler [ m2 m3 ] ──► m1            read(): m2; read(): m3; read(): the socket is read
 *
 * read() reaches the socket only when no message waits. With AUTO_READ on messages pass, those that wait first; turned off while they
 * pass it stops the next one. channelReadComplete, and the event of a peer that ended its side, come once the queue is empty. Removing
 * the handler delivers what waits; when the channel becomes inactive it is dropped, because nobody asked for it in time.
 *
 * More than `maxQueuedMessages` are a {@link QueueOverflowError}: exceptionCaught, then close; a stream with a hole is of no use.
 */
export class FlowControlHandler implements ChannelHandler {
  private readonly releaseMessages: boolean
  private readonly maxQueuedMessages: number
  /** Made with the first message. */
  private queue: Denque<unknown> | undefined = undefined
  /** A read() has not been answered with a message yet. */
  private wanted = false
  private delivering = false
  /** The read whose messages wait is complete; the next handler was not told yet. */
  private completeHeld = false
  /** The peer has ended its side; the next handler was not told yet. */
  private endHeld = false
  private overflowed = false

  constructor(options: FlowControlHandlerOptions = {}) {
    checkOptions(options, 'new FlowControlHandler({ maxQueuedMessages })')
    this.releaseMessages = options.releaseMessages ?? true
    this.maxQueuedMessages = checkPositiveInteger(options.maxQueuedMessages ?? 100_000, 'maxQueuedMessages')
  }

  /** How many messages wait. */
  get queuedMessages(): number {
    return this.queue?.length ?? 0
  }

  handlerRemoved(ctx: ChannelHandlerContext): void {
    for (let left = this.queuedMessages; left > 0; left--) ctx.fireChannelRead(this.queue?.shift())
    this.tellComplete(ctx)
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    if (this.overflowed) return void release(msg)
    if (this.queuedMessages >= this.maxQueuedMessages) return this.overflow(ctx, msg)
    this.queue ??= new Denque()
    this.queue.push(msg)
    this.deliver(ctx)
    if (this.wanted) ctx.read() // asked for by the handler that got the last one
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    if (this.queuedMessages === 0) ctx.fireChannelReadComplete()
    else this.completeHeld = true
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof ChannelInputShutdownEvent && this.queuedMessages > 0) this.endHeld = true
    else ctx.fireUserEventTriggered(event)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.drop()
    ctx.fireChannelInactive()
  }

  read(ctx: ChannelHandlerContext): void {
    this.wanted = true
    if (this.delivering) return // deliver() goes on with it
    this.deliver(ctx)
    if (this.wanted || ctx.channel.config.autoRead) ctx.read()
  }

  /** A loop, not a recursion: a handler that asks for the next message inside channelRead gets it when it has returned. */
  private deliver(ctx: ChannelHandlerContext): void {
    if (this.delivering) return
    this.delivering = true
    while (this.queuedMessages > 0 && (this.wanted || ctx.channel.config.autoRead)) {
      this.wanted = false
      ctx.fireChannelRead(this.queue?.shift())
    }
    this.delivering = false
    this.tellComplete(ctx)
  }

  private tellComplete(ctx: ChannelHandlerContext): void {
    if (this.queuedMessages > 0) return
    if (this.completeHeld) {
      this.completeHeld = false
      ctx.fireChannelReadComplete()
    }
    if (this.endHeld) {
      this.endHeld = false
      ctx.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    }
  }

  private overflow(ctx: ChannelHandlerContext, msg: unknown): void {
    this.overflowed = true
    release(msg)
    this.drop()
    ctx.fireExceptionCaught(new QueueOverflowError(`more than ${this.maxQueuedMessages} messages wait for a read() (maxQueuedMessages)`))
    ctx.close()
  }

  private drop(): void {
    const queue = this.queue
    this.queue = undefined
    this.completeHeld = false
    this.endHeld = false
    if (!this.releaseMessages) return
    for (let left = queue?.length ?? 0; left > 0; left--) release(queue?.shift())
  }
}
