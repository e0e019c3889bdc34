import type { Session } from './session.js'

const NONE: ReadonlySet<Session> = new Set()

/** Bounds of {@link Groups}. */
export interface GroupLimits {
  readonly maxMembers: number
  readonly maxGroupsPerSession: number
}

/** Who is in which group. A group is there as long as it has a member; a session leaves all of its own when its channel closes. */
export class Groups {
  private readonly byName = new Map<string, Set<Session>>()
  private readonly limits: GroupLimits

  constructor(limits: GroupLimits) {
    this.limits = limits
  }

  get count(): number {
    return this.byName.size
  }

  /** Takes the session out of all its groups when its channel closes. Once a session, before it joins any. */
  watch(session: Session): void {
    session.channel.closeFuture.addListener(() => {
      for (const name of session.groups) this.leave(name, session)
    })
  }

  /** False when a limit stands against it, or the session is closed. */
  join(name: string, session: Session): boolean {
    const members = this.byName.get(name) ?? new Set()
    if (members.has(session)) return true
    if (members.size >= this.limits.maxMembers || session.groups.size >= this.limits.maxGroupsPerSession) return false
    if (!session.isOpen) return false // nobody would take it out again
    this.byName.set(name, members.add(session))
    session.groups.add(name)
    return true
  }

  /** False when it was no member. */
  leave(name: string, session: Session): boolean {
    const members = this.byName.get(name)
    if (members === undefined || !members.delete(session)) return false
    session.groups.delete(name)
    if (members.size === 0) this.byName.delete(name)
    return true
  }

  members(name: string): ReadonlySet<Session> {
    return this.byName.get(name) ?? NONE
  }
}
