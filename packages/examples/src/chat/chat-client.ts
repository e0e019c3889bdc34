import { ProtobufHeadContentDecoder, ProtobufHeadContentEncoder } from '@knotty/codec-protobuf'
import {
  Bootstrap,
  type Channel,
  type ChannelHandler,
  type ChannelHandlerContext,
  type EventLoopGroup,
  IdleStateEvent,
  IdleStateHandler,
} from 'knotty'
import { type ChatEvent, type Delivery, EVENTS, type Reply, type Request, REQUESTS, type Say } from './protocol.js'

/** The connection ended before the reply: what was asked may have been done or not. */
export class NoReplyError extends Error {
  readonly code = 'ERR_CHAT_NO_REPLY'
}

/** How to connect. */
export interface ConnectOptions {
  readonly group: EventLoopGroup
  readonly port: number
  readonly host?: string
  /** After so long without a request it sends a ping, in ms (20000): the server closes connections that are silent. 0: none. */
  readonly heartbeatMs?: number
  /** Called for what others say, in order. */
  readonly onDelivery?: (delivery: Delivery) => void
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/**
 * One connection to a chat server. Every request gives its reply, also one that says no; without a reply a
 * {@link NoReplyError}. What was asked and not answered waits in memory: await replies now and then.
 */
export class ChatClient implements ChannelHandler {
  private channelOrNone: Channel | undefined = undefined
  private readonly onDelivery: (delivery: Delivery) => void
  private readonly waiting = new Map<number, Waiting>()
  /** Of the request made last; a delivery of what was said has it too. */
  lastRequestId = 0

  private constructor(onDelivery: (delivery: Delivery) => void) {
    this.onDelivery = onDelivery
  }

  static async connect(options: ConnectOptions): Promise<ChatClient> {
    const { group, port, host = '127.0.0.1', heartbeatMs = 20_000, onDelivery = () => undefined } = options
    const client = new ChatClient(onDelivery)
    await new Bootstrap()
      .group(group)
      .handler((channel) => {
        channel.pipeline.addLast(new IdleStateHandler({ writerIdleMs: heartbeatMs }))
        channel.pipeline.addLast(new ProtobufHeadContentDecoder(EVENTS), new ProtobufHeadContentEncoder(REQUESTS), client)
      })
      .connect(port, host)
    return client
  }

  get channel(): Channel {
    return this.channelOrNone as Channel
  }

  login(user: string, password = ''): Promise<Reply> {
    return this.request({ login: { user, password } })
  }

  /** `accepted` of the reply is how many sessions get it, for as long as they stay. The id is that of the delivery. */
  say(say: Say): Promise<Reply> {
    return this.request({ say })
  }

  join(group: string): Promise<Reply> {
    return this.request({ join: group })
  }

  leave(group: string): Promise<Reply> {
    return this.request({ leave: group })
  }

  /** With its reply everything is here that was accepted for this session before it was asked. */
  ping(): Promise<Reply> {
    return this.request({ ping: true })
  }

  private request(body: Omit<Request, 'id'>): Promise<Reply> {
    const id = ++this.lastRequestId
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      const written = this.channel.writeAndFlush({ id, ...body })
      written.addListener(() => {
        if (!written.isSuccess && this.waiting.delete(id)) reject(noReply(written.cause))
      })
    })
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.channelOrNone = ctx.channel
  }

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    const { reply, delivery } = msg as ChatEvent
    if (delivery) this.onDelivery(delivery)
    if (!reply) return
    this.waiting.get(reply.id)?.resolve(reply)
    this.waiting.delete(reply.id)
  }

  /** Nothing was written for a while. */
  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (!(event instanceof IdleStateEvent)) return void ctx.fireUserEventTriggered(event)
    this.ping().catch(() => undefined) // without a reply the connection has ended, and its owner knows
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    for (const { reject } of this.waiting.values()) reject(noReply(undefined))
    this.waiting.clear()
    ctx.fireChannelInactive()
  }
}

function noReply(cause: unknown): NoReplyError {
  return new NoReplyError('the connection ended before the reply', { cause })
}
