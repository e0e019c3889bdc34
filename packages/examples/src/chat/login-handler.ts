import { type ChannelHandler, type ChannelHandlerContext, DrainEvent, type ScheduledTask } from 'knotty'
import { ChatHandler } from './chat-handler.js'
import type { ChatRoom } from './chat-room.js'
import type { InboxLimits } from './ordered-inbox.js'
import { isName, type Login, type Reply, type Request, type Status } from './protocol.js'
import { Session } from './session.js'
import { OverloadedError, type WorkPool } from './work-pool.js'

/** Bounds of a connection and its session. */
export interface SessionLimits {
  /** A connection that has not logged in by then is closed. */
  readonly loginDeadlineMs: number
  /** Events that may wait for a session that reads too slowly. */
  readonly maxWaitingEvents: number
  readonly inbox: InboxLimits
}

/**
 * The first handler of a connection: lets it do nothing but log in, once, in time.
 *
 *     waiting ──login──► checking ──password right──► gone: a ChatHandler is in its place
 *        │                  │
 *        └──── deadline, wrong password, anything else ────► closed
 *
 * A second login while the first is being checked is refused, and the first goes on: the two cannot race.
 */
export class LoginHandler implements ChannelHandler {
  private readonly room: ChatRoom
  private readonly workers: WorkPool
  private readonly limits: SessionLimits
  private state: 'waiting' | 'checking' | 'closed' = 'waiting'
  private deadline: ScheduledTask | undefined = undefined

  constructor(room: ChatRoom, workers: WorkPool, limits: SessionLimits) {
    this.room = room
    this.workers = workers
    this.limits = limits
  }

  /** Here, not in channelActive, which a handler that is added later would never see. */
  handlerAdded(ctx: ChannelHandlerContext): void {
    this.deadline = ctx.eventLoop.scheduleCoarse(() => this.refuse(ctx, 0, 'login-deadline'), this.limits.loginDeadlineMs)
  }

  handlerRemoved(): void {
    this.deadline?.cancel()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.state = 'closed'
    this.deadline?.cancel()
    ctx.fireChannelInactive()
  }

  /** When the returned promise fails, exceptionCaught hears of it and the connection is closed. */
  channelRead(ctx: ChannelHandlerContext, msg: unknown): Promise<void> | undefined {
    const { id, body, login } = msg as Request
    if (this.state === 'closed') return undefined
    if (body !== 'login') this.refuse(ctx, id, 'login-required')
    else if (this.state === 'checking') answer(ctx, id, 'login-in-progress')
    else return this.check(ctx, id, login as Login)
    return undefined
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    if (event instanceof DrainEvent) ctx.close()
    else ctx.fireUserEventTriggered(event)
  }

  private async check(ctx: ChannelHandlerContext, id: number, login: Login): Promise<void> {
    this.state = 'checking'
    const status = await this.verify(login)
    // The deadline may have passed meanwhile, or the peer have gone.
    if (this.isClosed()) return
    if (status !== 'ok') return this.refuse(ctx, id, status)
    const session = new Session(login.user, ctx.channel, this.limits.maxWaitingEvents)
    if (!this.room.registry.add(session)) return this.refuse(ctx, id, 'session-limit')
    this.room.groups.watch(session)
    ctx.pipeline.replace(this, 'chat', new ChatHandler(session, this.room, this.limits.inbox))
    session.reply(id, 'ok', { session: session.id })
  }

  private isClosed(): boolean {
    return this.state === 'closed'
  }

  private async verify(login: Login): Promise<Status> {
    if (!isName(login.user)) return 'login-refused'
    try {
      return (await this.workers.checkPassword(login)) ? 'ok' : 'login-refused'
    } catch (error) {
      return error instanceof OverloadedError ? 'overloaded' : 'failed'
    }
  }

  private refuse(ctx: ChannelHandlerContext, id: number, status: Status): void {
    this.state = 'closed'
    answer(ctx, id, status)
    ctx.channel.closeAfterFlush()
  }
}

function answer(ctx: ChannelHandlerContext, id: number, status: Status): void {
  const reply: Reply = { id, status, session: 0, accepted: 0, busy: [] }
  ctx.writeAndFlush({ reply }, null)
}
