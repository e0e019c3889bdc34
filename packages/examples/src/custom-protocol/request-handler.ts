import { type ChannelHandlerContext, ClosedChannelError, SimpleChannelInboundHandler } from 'knotty'
import { Message, REQUEST, RESPONSE } from './message.js'

interface Waiting {
  readonly resolve: (text: string) => void
  readonly reject: (cause: unknown) => void
}

/** How many requests may wait for their answers on one connection. */
const MAX_WAITING = 1024

/** The client's side: {@link ask} gives a promise for each answer. The server answers in order, so a queue is all the book-keeping. */
export class RequestHandler extends SimpleChannelInboundHandler<Message> {
  private ctx: ChannelHandlerContext | undefined
  private readonly waiting: Waiting[] = []
  private cause: unknown = new ClosedChannelError('the connection was closed before the answer came')

  constructor() {
    super(Message)
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.ctx = ctx
  }

  /** Sends a request and gives the text of its answer. Rejects when the server refuses, or the connection ends before. */
  async ask(text: string): Promise<string> {
    const ctx = this.ctx
    if (ctx === undefined || !ctx.channel.isActive) throw this.cause
    if (this.waiting.length >= MAX_WAITING) throw new RangeError(`${MAX_WAITING} requests wait already`)
    return await new Promise<string>((resolve, reject) => {
      const entry = { resolve, reject }
      this.waiting.push(entry)
      ctx.writeAndFlush(new Message(REQUEST, text)).addListener((write) => {
        if (write.isSuccess) return
        const at = this.waiting.indexOf(entry) // it was never sent, so no answer will come
        if (at >= 0) this.waiting.splice(at, 1)
        reject(write.cause)
      })
    })
  }

  override channelRead0(_ctx: ChannelHandlerContext, message: Message): void {
    const next = this.waiting.shift()
    if (next === undefined) throw new Error('an answer came to which there is no request')
    if (message.type === RESPONSE) next.resolve(message.text)
    else next.reject(new Error(`the server refused: ${message.text}`))
  }

  /** Whatever went wrong is what those who wait are told; then the connection is closed. */
  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    this.cause = cause
    ctx.close()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    for (const { reject } of this.waiting.splice(0)) reject(this.cause)
    ctx.fireChannelInactive()
  }
}
