import type { Channel } from 'knotty'
import { OutboundQueue } from './outbound-queue.js'
import type { Delivery, Reply, Status } from './protocol.js'

let lastId = 0

/** One login: a user may have several, each on a connection of its own. */
export class Session {
  /** Counts up; receivers tell the sessions of one sender apart by it. */
  readonly id: number = ++lastId
  readonly user: string
  readonly channel: Channel
  readonly outbound: OutboundQueue
  /** Names of the groups it is in; kept by Groups. */
  readonly groups: Set<string> = new Set()
  private ending = false

  constructor(user: string, channel: Channel, maxWaiting: number) {
    this.user = user
    this.channel = channel
    this.outbound = new OutboundQueue(channel, maxWaiting)
  }

  /** It may join groups, and messages may be accepted for it. */
  get isOpen(): boolean {
    return !this.ending && this.channel.isActive
  }

  /** False when it reads too slowly: the sender has to be told. */
  deliver(delivery: Delivery): boolean {
    return this.outbound.offer({ delivery })
  }

  reply(id: number, status: Status, details: Partial<Reply> = {}): void {
    if (this.channel.isActive) this.outbound.push({ reply: { id, status, session: 0, accepted: 0, busy: [], ...details } })
  }

  /** Accepts nothing more, and closes when what was accepted has left. Only when its queue is empty. */
  end(): void {
    this.ending = true
    this.channel.closeAfterFlush()
  }
}
