import type { Life, Said } from './chat-crowd.js'

/** How much a check of the ledger had to look at, and what it found wrong. */
export interface Audit {
  /** Deliveries that had to be there, and were. */
  readonly promised: number
  readonly heard: number
  readonly problems: string[]
}

/**
 * Compares what was said with what was heard. What counts as lost:
 *
 * - The server answered `ok` or `partly`: each session of the addressee, or of the group, that was open before the message was sent, and
 *   stayed open to the end, hears it exactly once; those of the users in `busy` apart.
 * - The server answered anything else: nobody hears it. `offline` is wrong when such a session was there.
 * - No answer, because the sender's connection ended: it may have been heard, or not, at most once.
 * - What a session hears of one sender's session comes in the order it was said.
 *
 * Senders whose process was killed are not in the ledger: of those only order and number are known.
 */
export function audit(lives: readonly Life[]): Audit {
  const problems: string[] = []
  const staying = lives.filter((life) => life.stayed)
  const byUser = index(staying, (life) => [life.user])
  const byGroup = index(staying, (life) => Object.keys(life.groups))
  const heardBy = new Map(lives.map((life) => [life, new Set(life.heard.map(([session, id]) => `${session}:${id}`))]))
  let promised = 0

  const addressees = ({ user, group, at }: Said, sender: Life): Life[] =>
    (user === undefined ? (byGroup.get(group as string) ?? []) : (byUser.get(user) ?? [])).filter(
      (life) => life !== sender && (user === undefined ? (life.groups[group as string] as number) : life.loggedInAt) < at,
    )

  const checkSaid = (said: Said, sender: Life): void => {
    const key = `${sender.session}:${said.id}`
    const to = said.user ?? said.group
    if (said.status === undefined) return
    if (said.status === 'ok' || said.status === 'partly') {
      for (const life of addressees(said, sender)) {
        if (said.busy.includes(life.user)) continue
        promised++
        if (!heardBy.get(life)?.has(key)) problems.push(`lost: ${key} to ${to} did not reach session ${life.session} of ${life.user}`)
      }
      return
    }
    if (said.status === 'offline' && addressees(said, sender).length > 0) problems.push(`${key} to ${to}: offline, though it is online`)
    for (const life of lives) {
      if (heardBy.get(life)?.has(key)) problems.push(`${key} to ${to}: ${said.status}, but session ${life.session} heard it`)
    }
  }

  for (const life of lives) for (const said of life.said) checkSaid(said, life)
  const senders = new Map(lives.map((life) => [life.session, life]))
  for (const life of lives) problems.push(...checkHeard(life, senders))
  return { promised, heard: lives.reduce((sum, life) => sum + life.heard.length, 0), problems }
}

function index(lives: readonly Life[], keysOf: (life: Life) => readonly string[]): Map<string, Life[]> {
  const byKey = new Map<string, Life[]>()
  for (const life of lives) for (const key of keysOf(life)) byKey.set(key, [...(byKey.get(key) ?? []), life])
  return byKey
}

function checkHeard({ user, session, heard }: Life, senders: ReadonlyMap<number, Life>): string[] {
  const problems: string[] = []
  const last = new Map<number, number>()
  for (const [from, id, group] of heard) {
    if (id <= (last.get(from) ?? 0)) problems.push(`session ${session} heard ${from}:${id} behind ${from}:${last.get(from)}`)
    last.set(from, id)
    const sender = senders.get(from)
    if (sender === undefined) continue
    const said = sender.said.find((each) => each.id === id)
    if (said === undefined || (group === '' ? said.user !== user : said.group !== group)) {
      problems.push(`session ${session} heard ${from}:${id}, which was not said to it`)
    }
  }
  return problems
}
