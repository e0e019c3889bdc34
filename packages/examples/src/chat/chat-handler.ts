import { type ChannelHandler, type ChannelHandlerContext, DrainEvent, IdleStateEvent } from 'knotty'
import type { ChatRoom, Outcome } from './chat-room.js'
import { type InboxLimits, OrderedInbox } from './ordered-inbox.js'
import { isName, type Request, type Say } from './protocol.js'
import type { Session } from './session.js'

/** Answers the requests of a session, in order. It takes the place of the LoginHandler. */
export class ChatHandler implements ChannelHandler {
  private readonly session: Session
  private readonly room: ChatRoom
  private readonly inbox: OrderedInbox<Request>
  private draining = false

  constructor(session: Session, room: ChatRoom, limits: InboxLimits) {
    this.session = session
    this.room = room
    const { channel, outbound } = session
    // Who does not read its replies is not served; of one that has gone, what it had sent is still dealt with.
    const mayGoOn = (): boolean => outbound.isIdle || !channel.isActive
    this.inbox = new OrderedInbox(channel, limits, (request) => this.answer(request), mayGoOn)
  }

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.inbox.push(msg as Request)
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    this.session.outbound.drain()
    this.inbox.run()
    this.endWhenDone()
    ctx.fireChannelWritabilityChanged()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.inbox.run()
    ctx.fireChannelInactive()
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof DrainEvent) this.drain()
    // No heartbeat either, or so long no reading of replies that this one is not read: it is given up. Any byte starts the time anew.
    else if (event instanceof IdleStateEvent) ctx.close()
    else ctx.fireUserEventTriggered(event)
  }

  /** The server is going to end: what has come is answered, what was accepted for this session is sent, then it closes. */
  private drain(): void {
    this.draining = true
    this.inbox.stopReading()
    this.endWhenDone()
  }

  private endWhenDone(): void {
    const { session } = this
    if (this.draining && session.isOpen && this.inbox.isIdle && session.outbound.length === 0) session.end()
  }

  private async answer(request: Request): Promise<void> {
    const { id } = request
    const { status, details } = await this.outcomeOf(request)
    this.session.reply(id, status, details)
    // When this was the last one the inbox is idle a step later.
    if (this.draining && this.session.isOpen) this.session.channel.eventLoop.execute(() => this.endWhenDone())
  }

  private async outcomeOf({ id, body, say, join = '', leave = '' }: Request): Promise<Outcome> {
    const { session, room } = this
    switch (body) {
      case 'say':
        return await room.say(session, id, say as Say)
      case 'join':
        if (!isName(join)) return { status: 'bad-request' }
        return { status: room.groups.join(join, session) ? 'ok' : 'group-limit' }
      case 'leave':
        return { status: room.groups.leave(leave, session) ? 'ok' : 'no-member' }
      case 'ping':
        return { status: 'ok' }
      case 'login':
        return { status: 'logged-in-already' }
      default:
        return { status: 'bad-request' }
    }
  }
}
