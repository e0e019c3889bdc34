import process from 'node:process'
import type { EventLoopGroup } from '@knotty/transport'
import { ChatClient, NoReplyError } from '../../../packages/examples/dist/chat/chat-client.js'
import type { Reply } from '../../../packages/examples/dist/chat/protocol.js'
import { seededRandom } from '../../../packages/testing/dist/seeded-random.js'

/** What one connection said, and what the server answered; no status when the connection ended before. */
export interface Said {
  readonly id: number
  readonly user: string | undefined
  readonly group: string | undefined
  /** On the clock that all processes of the machine share, in ms: before it was sent. */
  readonly at: number
  status: string | undefined
  busy: readonly string[]
}

/** What one connection lived through. */
export interface Life {
  readonly user: string
  readonly session: number
  /** When it knew that it was logged in. */
  readonly loggedInAt: number
  /** When it knew that it was in these groups; it never leaves one. */
  readonly groups: Record<string, number>
  /** It was open until everything was said and came in everywhere. */
  stayed: boolean
  readonly said: Said[]
  /** `session:id` of what came, and where to, in the order it came. */
  readonly heard: [session: number, id: number, group: string][]
}

/** What a crowd is told to do. */
export interface CrowdPlan {
  readonly port: number
  readonly clients: number
  readonly seed: number
  /** Users of all crowds are u0 to u(users - 1). */
  readonly users: number
  readonly groups: number
}

/** Connections under way at a time, so that some still log in while others chat. */
const CONNECTING = 100

const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

/** Many clients of one process, whose actions the seed decides. */
export class Crowd {
  readonly lives: Life[] = []
  readonly problems: string[] = []
  private readonly plan: CrowdPlan
  private readonly group: EventLoopGroup
  private readonly below: (n: number) => number
  private readonly staying: { readonly client: ChatClient; readonly life: Life }[] = []
  private readonly chats: Promise<void>[] = []
  private started = 0

  constructor(plan: CrowdPlan, group: EventLoopGroup) {
    this.plan = plan
    this.group = group
    this.below = seededRandom(plan.seed)
  }

  /** All log in and chat; some leave. */
  async chat(): Promise<void> {
    await Promise.all(Array.from({ length: CONNECTING }, () => this.logInMore()))
  }

  /** Those who stayed wait until everything that was accepted for them is here. */
  async settle(): Promise<void> {
    await Promise.all(
      this.staying.map(async ({ client, life }) => {
        if ((await client.ping()).status === 'ok') life.stayed = true
      }),
    )
  }

  /** Those who stayed leave, in whatever order and way. */
  async leave(): Promise<void> {
    while (this.staying.length > 0) {
      const [leaving] = this.staying.splice(this.below(this.staying.length), 1)
      if (leaving !== undefined) this.goodbye(leaving.client)
    }
  }

  private async logInMore(): Promise<void> {
    while (this.started < this.plan.clients) {
      this.started++
      const user = `u${this.below(this.plan.users)}`
      const heard: Life['heard'] = []
      const client = await ChatClient.connect({
        group: this.group,
        port: this.plan.port,
        onDelivery: ({ session, id, group }) => heard.push([session, id, group]),
      })
      const { status, session } = await client.login(user)
      if (status === 'session-limit') continue
      if (status !== 'ok') throw new Error(`login of ${user}: ${status}`)
      const life: Life = { user, session, loggedInAt: now(), groups: {}, stayed: false, said: [], heard }
      this.lives.push(life)
      this.chats.push(this.live(client, life))
    }
    await Promise.all(this.chats)
  }

  private async live(client: ChatClient, life: Life): Promise<void> {
    const leaves = this.below(5) < 2
    for (let joins = this.below(3); joins > 0; joins--) {
      const group = `g${this.below(this.plan.groups)}`
      if ((await client.join(group)).status === 'ok') life.groups[group] ??= now()
    }
    for (let bursts = 1 + this.below(4); bursts > 0; bursts--) {
      const replies = Array.from({ length: 1 + this.below(4) }, () => this.say(client, life))
      if (leaves && bursts === 1 && this.below(2) === 0) break // leaves without waiting for the replies
      await Promise.all(replies)
    }
    if (leaves) this.goodbye(client)
    else this.staying.push({ client, life })
  }

  private async say(client: ChatClient, life: Life): Promise<void> {
    const groups = Object.keys(life.groups)
    const group = groups.length > 0 && this.below(4) === 0 ? groups[this.below(groups.length)] : undefined
    const user = group === undefined ? `u${this.below(this.plan.users)}` : undefined
    const text = `hello ${'x'.repeat(this.below(200))}`
    const at = now()
    const reply = client.say({ text, ...(user === undefined ? { group: group as string } : { user }) })
    const said: Said = { id: client.lastRequestId, user, group, at, status: undefined, busy: [] }
    life.said.push(said)
    try {
      const { status, busy }: Reply = await reply
      said.status = status
      said.busy = busy
    } catch (error) {
      if (!(error instanceof NoReplyError)) this.problems.push(String(error))
    }
  }

  /** A close, a close behind what is written, or a reset. */
  private goodbye(client: ChatClient): void {
    const ways = [() => client.channel.close(), () => client.channel.closeAfterFlush(), () => client.channel.abort()]
    ways[this.below(ways.length)]?.()
  }
}
