import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { createInterface, type Interface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { eventually, tcpRows } from '@knotty/testing'
import { ChatClient } from '../../../packages/examples/dist/chat/chat-client.js'
import type { Delivery, Reply } from '../../../packages/examples/dist/chat/protocol.js'
import { ExampleProcesses, type ListeningServer } from '../support/example-process.js'
import { leakScope } from '../support/leak-scope.js'
import type { Life } from './chat-crowd.js'
import type { CrowdOrder } from './chat-crowd-process.js'
import { audit } from './chat-ledger.js'

const chat = new ExampleProcesses('chat')

after(() => chat.killAll())

/** A chat server in a process of its own. */
class Server {
  readonly process: ChildProcess
  readonly port: number
  private readonly lines: AsyncIterator<string>

  private constructor({ server, port, lines }: ListeningServer) {
    this.process = server
    this.port = Number(port)
    this.lines = lines[Symbol.asyncIterator]()
    server.stderr?.pipe(process.stderr)
  }

  static async start(...args: string[]): Promise<Server> {
    return new Server(await chat.startServer('--workers', '1', ...args))
  }

  async stats(): Promise<Record<string, number>> {
    this.process.kill('SIGUSR2')
    return JSON.parse((await this.nextLine()).replace('stats ', '')) as Record<string, number>
  }

  /** SIGTERM; the code it ends with. */
  async stop(): Promise<number | null> {
    const exit = once(this.process, 'exit') as Promise<[number | null]>
    this.process.kill('SIGTERM')
    return (await exit)[0]
  }

  private async nextLine(): Promise<string> {
    return (await this.lines.next()).value as string
  }
}

/** Nothing of anybody is left: neither in what the server counts nor in what the kernel does. */
async function assertEmpty(server: Server): Promise<void> {
  await eventually(async () => {
    assert.deepEqual(await server.stats(), { sockets: 0, sessions: 0, users: 0, groups: 0, queued: 0, working: 0 })
  }, 10_000)
  const rows = tcpRows(server.port).filter((row) => row.inode !== '0')
  assert.deepEqual(rows.map((row) => row.state), ['LISTEN'])
}

/** A crowd in a process of its own. */
function startCrowd(): ChildProcess {
  return chat.watch(fork(path.join(import.meta.dirname, 'chat-crowd-process.js'), { execArgv: [], serialization: 'advanced' }))
}

/** The answer to an order; a crowd that ends instead fails the test. */
async function order(crowd: ChildProcess, what: CrowdOrder): Promise<unknown> {
  crowd.send(what)
  const ended = once(crowd, 'exit').then(([code]) => assert.fail(`the crowd ended with ${String(code)}`))
  return ((await Promise.race([once(crowd, 'message'), ended])) as [unknown])[0]
}

interface Report {
  readonly lives: Life[]
  readonly problems: string[]
}

describe('the chat example', () => {
  test('2,000 clients chat: nothing accepted for who stays is lost or reordered, and no session is left', async () => {
    const server = await Server.start('--workers', '2')
    const shared = { port: server.port, users: 1200, groups: 120 }
    const [victim, ...crowds] = [startCrowd(), startCrowd(), startCrowd()] as [ChildProcess, ChildProcess, ChildProcess]
    const killed = once(victim, 'exit')
    victim.send({ chat: { ...shared, clients: 500, seed: 1 } } satisfies CrowdOrder)
    const chatted = crowds.map((crowd, index) => order(crowd, { chat: { ...shared, clients: 750, seed: 2 + index } }))
    // In the middle of it all: hundreds of its clients are logged in, and the kernel closes or resets their connections.
    await eventually(async () => assert.ok((await server.stats())['sessions']! > 600), 30_000)
    victim.kill('SIGKILL')
    assert.deepEqual(await killed, [null, 'SIGKILL'])
    assert.deepEqual(await Promise.all(chatted), ['chatted', 'chatted'])

    const reports = (await Promise.all(crowds.map((crowd) => order(crowd, 'settle')))) as Report[]
    assert.deepEqual(reports.flatMap(({ problems }) => problems), [])
    const lives = reports.flatMap((report) => report.lives)
    const { promised, heard, problems } = audit(lives)
    assert.deepEqual(problems.slice(0, 10), [], `${problems.length} problems`)
    // or this test would prove nothing
    assert.ok(promised > 2000 && heard >= promised, `${promised} deliveries were promised, ${heard} heard`)
    assert.ok(lives.some((life) => !life.stayed) && lives.some(({ said }) => said.some(({ status }) => status === 'offline')))

    const exits = crowds.map((crowd) => once(crowd, 'exit'))
    for (const crowd of crowds) crowd.send('leave' satisfies CrowdOrder)
    assert.deepEqual(await Promise.all(exits), [[0, null], [0, null]])
    await assertEmpty(server)
    assert.equal(await server.stop(), 0)
  })

  test('who reads too slowly gets what was accepted for it, and senders are told what was not', leakScope(async ({ group: newGroup }) => {
    const server = await Server.start('--max-waiting-events', '16')
    const group = newGroup()
    const heard: number[] = []
    const slow = await ChatClient.connect({ group, port: server.port, onDelivery: ({ id }: Delivery) => heard.push(id) })
    const sender = await ChatClient.connect({ group, port: server.port })
    await slow.login('slow')
    await sender.login('sender')
    slow.channel.config.autoRead = false
    const accepted: number[] = []
    const big = 'x'.repeat(4000)
    const say = async (): Promise<string> => {
      const { status, accepted: sessions, busy } = await sender.say({ user: 'slow', text: big })
      if (status === 'ok') accepted.push(sender.lastRequestId)
      else assert.deepEqual([status, sessions, busy], ['busy', 0, ['slow']])
      return status
    }
    while ((await say()) === 'ok') assert.ok(accepted.length < 20_000, 'the kernel takes 80 MB')
    assert.equal(await say(), 'busy')
    assert.equal((await server.stats())['queued'], 16)
    slow.channel.config.autoRead = true
    await slow.ping()
    assert.deepEqual(heard, accepted)
    assert.equal(await say(), 'ok')
    await slow.ping()
    assert.deepEqual(heard, accepted)
    await Promise.all([slow.channel.close(), sender.channel.close()])
    await assertEmpty(server)
    assert.equal(await server.stop(), 0)
  }))

  test('closed is who does not log in, and who is silent; a heartbeat is enough to stay', leakScope(async ({ group: newGroup }) => {
    const server = await Server.start('--idle-ms', '2000', '--login-deadline-ms', '2000')
    const group = newGroup()
    const stranger = await ChatClient.connect({ group, port: server.port, heartbeatMs: 0 })
    const alive = await ChatClient.connect({ group, port: server.port, heartbeatMs: 200 })
    await alive.login('alive')
    const silent = await ChatClient.connect({ group, port: server.port, heartbeatMs: 0 })
    await silent.login('silent')
    await stranger.channel.closeFuture
    await silent.channel.closeFuture
    assert.equal(alive.channel.isActive, true)
    assert.ok(alive.lastRequestId > 1)
    await alive.channel.close()
    await assertEmpty(server)
    assert.equal(await server.stop(), 0)
  }))

  test('a second login is refused, and so is whatever comes before the first', leakScope(async ({ group: newGroup }) => {
    const server = await Server.start()
    const group = newGroup()
    const client = await ChatClient.connect({ group, port: server.port })
    const statuses = await Promise.all([client.login('ann'), client.login('bob')])
    assert.deepEqual(statuses.map(({ status }: Reply) => status), ['ok', 'login-in-progress'])
    assert.equal((await client.login('ann')).status, 'logged-in-already')
    assert.deepEqual((await client.say({ user: 'bob', text: 'hi' })).status, 'offline')

    for (const [request, status] of [
      [(each: ChatClient) => each.say({ user: 'ann', text: 'hi' }), 'login-required'],
      [(each: ChatClient) => each.login('ann', 'wrong'), 'login-refused'],
      [(each: ChatClient) => each.login('no name'), 'login-refused'],
    ] as const) {
      const refused = await ChatClient.connect({ group, port: server.port })
      assert.equal((await request(refused)).status, status)
      await refused.channel.closeFuture
    }
    await client.channel.close()
    await assertEmpty(server)
    assert.equal(await server.stop(), 0)
  }))

  test('at SIGTERM what was answered is delivered, then connections end and the server does', leakScope(async ({ group: newGroup }) => {
    const server = await Server.start()
    const group = newGroup()
    const heard: number[] = []
    const ann = await ChatClient.connect({ group, port: server.port })
    const bob = await ChatClient.connect({ group, port: server.port, onDelivery: ({ id }: Delivery) => heard.push(id) })
    await ann.login('ann')
    await bob.login('bob')
    const replies = Array.from({ length: 20 }, () => ann.say({ user: 'bob', text: 'hi' }))
    const all = Promise.allSettled(replies) // now: some fail before the server has ended
    await replies[0]
    const [code] = await Promise.all([server.stop(), ann.channel.closeFuture, bob.channel.closeFuture])
    assert.equal(code, 0)
    const settled = await all
    const delivered = settled.flatMap((reply, index) => (reply.status === 'fulfilled' && reply.value.status === 'ok' ? [index + 2] : []))
    assert.ok(delivered.length > 0)
    assert.deepEqual(heard.slice(0, delivered.length), delivered)
  }))

  test('two people talk over the console clients', async () => {
    const server = await Server.start()
    const start = (user: string): { client: ChildProcess; lines: Interface; output: Promise<string> } => {
      const client = chat.start('client.js', '--port', String(server.port), '--user', user)
      client.stderr?.pipe(process.stderr)
      const stdout = client.stdout as NodeJS.ReadableStream
      return { client, lines: createInterface({ input: stdout }), output: text(stdout) }
    }
    const ann = start('ann')
    await once(ann.lines, 'line')
    const bob = start('bob')
    await once(bob.lines, 'line')
    ann.client.stdin?.write('/join tea\n')
    await once(ann.lines, 'line')
    const said = once(ann.lines, 'line')
    bob.client.stdin?.end('/to ann darn, hello\n/join tea\n/group tea well\n/nonsense\n/leave tea\n/quit\n')
    assert.deepEqual(await said, ['bob: ****, hello'])
    const help = '/to USER TEXT, /join GROUP, /leave GROUP, /group GROUP TEXT, /quit'
    assert.equal(await bob.output, `logged in as bob; ${help}\n-> ok, 1 will get it\n-> ok\n-> ok, 1 will get it\n${help}\n-> ok\n`)
    ann.client.stdin?.end('/to bob bye\n')
    assert.match(await ann.output, /bob in tea: well\n-> offline\n$/)
    await assertEmpty(server)
    assert.equal(await server.stop(), 0)
  })

  test('a console client says why it ends: a refused login, and a server that goes', async () => {
    const server = await Server.start()
    const start = (...args: string[]): ChildProcess => chat.start('client.js', '--port', String(server.port), ...args)
    const refused = start('--user', 'ann', '--password', 'wrong')
    assert.equal(await text(refused.stderr as NodeJS.ReadableStream), 'the server says login-refused\n')
    const left = start('--user', 'ann')
    const errors = text(left.stderr as NodeJS.ReadableStream)
    await once(left.stdout as NodeJS.ReadableStream, 'data')
    const exit = once(left, 'exit')
    assert.equal(await server.stop(), 0)
    assert.equal(await errors, 'the server closed the connection\n')
    assert.deepEqual(await exit, [1, null])
  })
})
