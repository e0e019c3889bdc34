import { type ChannelHandlerContext, ClosedChannelError, type ScheduledTask, SimpleChannelInboundHandler } from 'knotty'
import { Message, REQUEST, RESPONSE } from './message.js'

interface Waiting {
  readonly resolve: (text: string) => void
  readonly reject: (cause: unknown) => void
  readonly deadline: ScheduledTask
}

/** How many requests may wait for their answers on one connection. */
const MAX_WAITING = 1024

/** The client's side: {@link ask} gives a promise for each answer. The server answers in order, so a queue is all the book-keeping. */
export class RequestHandler extends SimpleChannelInboundHandler<Message> {
  private ctx: ChannelHandlerContext | undefined
  private readonly timeoutMs: number
  private readonly waiting: Waiting[] = []
  private cause: unknown = new ClosedChannelError('the connection was closed before the answer came')

  /** @param timeoutMs how long an answer may take; then the connection is closed, since the answers behind it would be taken for it */
  constructor(timeoutMs: number) {
    super(Message)
    this.timeoutMs = timeoutMs
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.ctx = ctx
  }

  /** Sends a request and gives the text of its answer. Rejects when the server refuses or is too slow, or the connection ends before. */
  async ask(text: string): Promise<string> {
    const ctx = this.ctx
    if (ctx === undefined || !ctx.channel.isActive) throw this.cause
    if (this.waiting.length >= MAX_WAITING) throw new RangeError(`${MAX_WAITING} requests wait already`)
    return await new Promise<string>((resolve, reject) => {
      const late = (): void => this.fail(ctx, new Error(`no answer within ${this.timeoutMs} ms`))
      const entry = { resolve, reject, deadline: ctx.eventLoop.scheduleCoarse(late, this.timeoutMs) }
      this.waiting.push(entry)
      ctx.writeAndFlush(new Message(REQUEST, text)).addListener((write) => {
        if (write.isSuccess) return
        const at = this.waiting.indexOf(entry) // it was never sent, so no answer will come
        if (at >= 0) this.waiting.splice(at, 1)
        entry.deadline.cancel()
        reject(write.cause)
      })
    })
  }

  override channelRead0(_ctx: ChannelHandlerContext, message: Message): void {
    const next = this.waiting.shift()
    if (next === undefined) throw new Error('an answer came to which there is no request')
    next.deadline.cancel()
    if (message.type === RESPONSE) next.resolve(message.text)
    else next.reject(new Error(`the server refused: ${message.text}`))
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    this.fail(ctx, cause)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    for (const { reject, deadline } of this.waiting.splice(0)) {
      deadline.cancel()
      reject(this.cause)
    }
    ctx.fireChannelInactive()
  }

  /** Whatever went wrong is what those who wait are told, when the connection is closed. */
  private fail(ctx: ChannelHandlerContext, cause: Error): void {
    this.cause = cause
    ctx.close()
  }
}
