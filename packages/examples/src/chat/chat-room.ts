import type { Groups } from './groups.js'
import type { Delivery, Reply, Say, Status } from './protocol.js'
import type { Session } from './session.js'
import type { SessionRegistry } from './session-registry.js'
import { OverloadedError, type WorkPool } from './work-pool.js'

/** The longest text taken, in UTF-16 units. */
const MAX_TEXT_LENGTH = 4096

/** What became of something that was said. */
export interface Outcome {
  readonly status: Status
  readonly details?: Partial<Reply>
}

/** Brings what one says to those it is for, and says what became of it. */
export class ChatRoom {
  readonly registry: SessionRegistry
  readonly groups: Groups
  private readonly workers: WorkPool

  constructor(registry: SessionRegistry, groups: Groups, workers: WorkPool) {
    this.registry = registry
    this.groups = groups
    this.workers = workers
  }

  /** Never fails: what goes wrong is an outcome. Those who are online when the moderation is through get it. */
  async say(from: Session, id: number, { target, user = '', group = '', text }: Say): Promise<Outcome> {
    if (target === undefined) return { status: 'bad-request' }
    if (text.length > MAX_TEXT_LENGTH) return { status: 'rejected' }
    try {
      const moderated = await this.workers.moderate(text)
      if (moderated.text === '') return { status: 'rejected' }
      const delivery: Delivery = { from: from.user, session: from.id, id, group, ...moderated }
      if (target === 'user') return deliver(from, delivery, this.registry.sessionsOf(user), 'offline')
      const members = this.groups.members(group)
      return members.has(from) ? deliver(from, delivery, members, 'ok') : { status: 'no-member' }
    } catch (error) {
      return { status: error instanceof OverloadedError ? 'overloaded' : 'failed' }
    }
  }
}

/** Gives it to each session that is open, the sender's own apart; the status for none at all is `nobody`. */
function deliver(from: Session, delivery: Delivery, sessions: ReadonlySet<Session>, nobody: Status): Outcome {
  const busy = new Set<string>()
  let accepted = 0
  for (const session of sessions) {
    if (session === from || !session.isOpen) continue
    if (session.deliver(delivery)) accepted++
    else busy.add(session.user)
  }
  if (busy.size > 0) return { status: accepted > 0 ? 'partly' : 'busy', details: { accepted, busy: [...busy] } }
  return { status: accepted > 0 ? 'ok' : nobody, details: { accepted } }
}
