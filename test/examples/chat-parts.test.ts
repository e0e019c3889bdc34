import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EmbeddedChannel } from '@knotty/transport'
import { ChatRoom } from '../../../packages/examples/dist/chat/chat-room.js'
import { Groups } from '../../../packages/examples/dist/chat/groups.js'
import { LoginHandler } from '../../../packages/examples/dist/chat/login-handler.js'
import { OrderedInbox } from '../../../packages/examples/dist/chat/ordered-inbox.js'
import { OutboundQueue } from '../../../packages/examples/dist/chat/outbound-queue.js'
import type { ChatEvent } from '../../../packages/examples/dist/chat/protocol.js'
import { Session } from '../../../packages/examples/dist/chat/session.js'
import { SessionRegistry } from '../../../packages/examples/dist/chat/session-registry.js'
import { OverloadedError, WorkPool } from '../../../packages/examples/dist/chat/work-pool.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const event = (id: number): ChatEvent => ({ delivery: { from: 'ann', session: 1, id, group: '', text: 'hi', words: 1 } })
const idsOf = (channel: EmbeddedChannel): unknown[] => channel.outboundMessages.splice(0).map((each) => (each as ChatEvent).delivery?.id)

describe('OutboundQueue', () => {
  test('sends at once while the channel is writable, keeps a bounded number while it is not, and refuses the rest', () => {
    const channel = new EmbeddedChannel()
    const queue = new OutboundQueue(channel, 2)
    assert.equal(queue.offer(event(1)), true)
    assert.deepEqual(idsOf(channel), [1])
    channel.outboundBuffer?.setUserDefinedWritability(1, false)
    assert.deepEqual([2, 3, 4].map((id) => queue.offer(event(id))), [true, true, false])
    queue.push(event(5))
    queue.drain()
    assert.deepEqual(idsOf(channel), [])
    channel.outboundBuffer?.setUserDefinedWritability(1, true)
    assert.equal(queue.isIdle, false)
    queue.drain()
    assert.deepEqual(idsOf(channel), [2, 3, 5])
    assert.equal(queue.isIdle, true)
  })
})

describe('OrderedInbox', () => {
  test('handles one message at a time and in order, and stops the reading while too much waits', async () => {
    const channel = new EmbeddedChannel()
    const begun: number[] = []
    let end = (): void => undefined
    const handle = async (message: number): Promise<void> => {
      begun.push(message)
      await new Promise<void>((resolve) => (end = resolve))
    }
    const inbox = new OrderedInbox(channel, { pauseAt: 3, resumeAt: 1 }, handle, () => true)
    for (const message of [1, 2, 3]) inbox.push(message)
    assert.equal(channel.config.autoRead, true)
    inbox.push(4)
    assert.equal(channel.config.autoRead, false)
    assert.deepEqual(begun, [1])
    for (const [waiting, autoRead] of [[2, false], [1, false], [0, true]] as const) {
      end()
      await turn()
      assert.equal(begun.length, 4 - waiting)
      assert.equal(channel.config.autoRead, autoRead, `${waiting} wait`)
    }
    end()
    await turn()
    assert.deepEqual(begun, [1, 2, 3, 4])
    assert.equal(inbox.isIdle, true)
  })

  test('waits while it may not go on, and tells the pipeline when handling fails', async () => {
    const channel = new EmbeddedChannel()
    let mayGoOn = false
    const inbox = new OrderedInbox(channel, { pauseAt: 3, resumeAt: 1 }, () => Promise.reject(new Error('broken')), () => mayGoOn)
    inbox.push(1)
    await turn()
    assert.equal(inbox.isIdle, false)
    mayGoOn = true
    inbox.run()
    await turn()
    assert.equal(inbox.isIdle, true)
    assert.throws(() => channel.checkException(), /broken/)
  })
})

describe('SessionRegistry and Groups', () => {
  test('forget a session when its channel closes, and take none of a closed channel', () => {
    const registry = new SessionRegistry(2)
    const groups = new Groups({ maxMembers: 1, maxGroupsPerSession: 1 })
    const [one, two, three] = [1, 2, 3].map(() => new Session('ann', new EmbeddedChannel(), 1)) as [Session, Session, Session]
    assert.deepEqual([one, two, three].map((session) => registry.add(session)), [true, true, false])
    for (const session of [one, two]) groups.watch(session)
    const joins = [groups.join('tea', one), groups.join('tea', one), groups.join('tea', two), groups.join('gin', one)]
    assert.deepEqual(joins, [true, true, false, false])
    one.channel.close()
    assert.deepEqual([...registry.sessionsOf('ann')], [two])
    assert.deepEqual([registry.sessionCount, registry.userCount, groups.count], [1, 1, 0])
    assert.equal(groups.join('gin', one), false)
    two.channel.close()
    assert.deepEqual([registry.sessionCount, registry.userCount, registry.sessionsOf('ann').size], [0, 0, 0])
    assert.equal(registry.add(one), true)
    assert.equal(registry.sessionCount, 0)
  })
})

describe('LoginHandler', () => {
  interface LoggingIn {
    readonly channel: EmbeddedChannel
    readonly registry: SessionRegistry
    /** Answers all checks under way. */
    readonly check: (right: boolean) => Promise<void>
    readonly checks: () => number
  }

  /** Passwords are checked when the test says so. */
  function loggingIn(): LoggingIn {
    const answers: ((right: boolean) => void)[] = []
    const workers = { checkPassword: () => new Promise<boolean>((resolve) => answers.push(resolve)) } as unknown as WorkPool
    const registry = new SessionRegistry(2)
    const room = new ChatRoom(registry, new Groups({ maxMembers: 9, maxGroupsPerSession: 9 }), workers)
    const limits = { loginDeadlineMs: 1000, maxWaitingEvents: 9, inbox: { pauseAt: 9, resumeAt: 1 } }
    const channel = EmbeddedChannel.with({ freezeTime: true }, new LoginHandler(room, workers, limits))
    const check = async (right: boolean): Promise<void> => {
      answers.forEach((answer) => answer(right))
      await turn()
    }
    return { channel, registry, check, checks: () => answers.length }
  }

  const login = (id: number, user = 'ann'): object => ({ id, body: 'login', login: { user, password: '' } })
  /** Without the empty buffer that a closeAfterFlush() writes. */
  const replies = (channel: EmbeddedChannel): unknown[] =>
    channel.outboundMessages.splice(0).flatMap((each) => {
      const { reply } = each as ChatEvent
      return reply === undefined ? [] : [[reply.id, reply.status]]
    })

  test('checks one login at a time, and gives its place to the chat', async () => {
    const { channel, registry, check, checks } = loggingIn()
    channel.writeInbound(login(1), login(2, 'bob'))
    assert.deepEqual(replies(channel), [[2, 'login-in-progress']])
    await check(true)
    assert.equal(checks(), 1)
    assert.deepEqual(replies(channel), [[1, 'ok']])
    assert.deepEqual(channel.pipeline.names, ['chat'])
    assert.equal(registry.sessionsOf('ann').size, 1)
    channel.advanceTimeBy(100_000)
    assert.equal(channel.isActive, true)
    channel.writeInbound(login(3))
    await turn()
    assert.deepEqual(replies(channel), [[3, 'logged-in-already']])
  })

  test('closes at the deadline, and no session comes of a check that ends later', async () => {
    const { channel, registry, check } = loggingIn()
    channel.writeInbound(login(1))
    channel.advanceTimeBy(999)
    assert.equal(channel.isActive, true)
    channel.advanceTimeBy(1)
    assert.deepEqual(replies(channel), [[0, 'login-deadline']])
    assert.equal(channel.isOpen, false)
    await check(true)
    assert.equal(registry.sessionCount, 0)
  })

  test('leaves no session and no timer of a peer that goes while its password is checked', async () => {
    const { channel, registry, check } = loggingIn()
    channel.writeInbound(login(1))
    channel.close()
    await check(true)
    assert.deepEqual([registry.sessionCount, replies(channel)], [0, []])
    channel.advanceTimeBy(2000)
    assert.deepEqual(replies(channel), [])
  })

  test('refuses a wrong password, a request before the login, and one session too many, and closes', async () => {
    const wrong = loggingIn()
    wrong.channel.writeInbound(login(1))
    await wrong.check(false)
    assert.deepEqual([replies(wrong.channel), wrong.channel.isOpen], [[[1, 'login-refused']], false])
    const early = loggingIn()
    early.channel.writeInbound({ id: 1, body: 'ping' })
    assert.deepEqual([replies(early.channel), early.channel.isOpen], [[[1, 'login-required']], false])
    const many = loggingIn()
    for (let sessions = 0; sessions < 2; sessions++) many.registry.add(new Session('ann', new EmbeddedChannel(), 1))
    many.channel.writeInbound(login(1))
    await many.check(true)
    assert.deepEqual([replies(many.channel), many.channel.isOpen], [[[1, 'session-limit']], false])
  })
})

describe('WorkPool', () => {
  test('does its work in other threads, and refuses more than may wait', async () => {
    const pool = new WorkPool(1, 1)
    try {
      assert.deepEqual(await pool.moderate(' Darn, it is late '), { text: '****, it is late', words: 4 })
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => pool.checkPassword({ user: 'ann', password: 'wrong' })))
      const refused = results.filter((result) => result.status === 'rejected')
      assert.ok(refused.length > 0 && refused.every(({ reason }) => reason instanceof OverloadedError))
      assert.ok(results.every((result) => result.status === 'rejected' || result.value === false))
    } finally {
      await pool.close()
    }
  })
})
