import type { Session } from './session.js'

const NONE: ReadonlySet<Session> = new Set()

/**
 * Who is online: user to sessions, in one step however many there are. A session leaves when its channel closes, whoever closed it and
 * however: nobody has to remember to remove it.
 */
export class SessionRegistry {
  private readonly byUser = new Map<string, Set<Session>>()
  private readonly maxSessionsPerUser: number
  private count = 0

  constructor(maxSessionsPerUser: number) {
    this.maxSessionsPerUser = maxSessionsPerUser
  }

  get sessionCount(): number {
    return this.count
  }

  get userCount(): number {
    return this.byUser.size
  }

  /** Events that wait because their sessions read too slowly. */
  get queued(): number {
    let sum = 0
    for (const sessions of this.byUser.values()) for (const session of sessions) sum += session.outbound.length
    return sum
  }

  /** False when the user has too many sessions. One whose channel is closed already is added and removed again at once. */
  add(session: Session): boolean {
    const sessions = this.byUser.get(session.user) ?? new Set()
    if (sessions.size >= this.maxSessionsPerUser) return false
    this.byUser.set(session.user, sessions.add(session))
    this.count++
    session.channel.closeFuture.addListener(() => this.remove(session))
    return true
  }

  /** The user's sessions; none when the user is offline. */
  sessionsOf(user: string): ReadonlySet<Session> {
    return this.byUser.get(user) ?? NONE
  }

  private remove(session: Session): void {
    const sessions = this.byUser.get(session.user)
    if (!sessions?.delete(session)) return
    this.count--
    if (sessions.size === 0) this.byUser.delete(session.user)
  }
}
