// A chat server: node packages/examples/dist/chat/server.js --port 9001
import { ProtobufHeadContentDecoder, ProtobufHeadContentEncoder } from '@knotty/codec-protobuf'
import { EventLoopGroup, IdleStateHandler, type ServerChannel, ServerBootstrap, shutdownOnSignal } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'
import { ChatRoom } from './chat-room.js'
import { Groups } from './groups.js'
import { LoginHandler, type SessionLimits } from './login-handler.js'
import { EVENTS, REQUESTS } from './protocol.js'
import { SessionRegistry } from './session-registry.js'
import { WorkPool } from './work-pool.js'

interface ServerOptions {
  readonly port: number
  readonly host: string
  readonly workers: number
  /** A connection of which nothing was read for so long is closed. */
  readonly idleMs: number
  readonly limits: SessionLimits
}

function serverOptions(): ServerOptions {
  const options = readOptions({
    port: '9001',
    host: '127.0.0.1',
    workers: '2',
    'idle-ms': '60000',
    'login-deadline-ms': '10000',
    'max-waiting-events': '256',
  })
  return {
    port: portNumber(options.port),
    host: options.host,
    workers: wholeNumber(options.workers, 'workers', 1, 64),
    idleMs: wholeNumber(options['idle-ms'], 'idle-ms', 1, 3_600_000),
    limits: {
      loginDeadlineMs: wholeNumber(options['login-deadline-ms'], 'login-deadline-ms', 1, 600_000),
      maxWaitingEvents: wholeNumber(options['max-waiting-events'], 'max-waiting-events', 1, 100_000),
      inbox: { pauseAt: 64, resumeAt: 16 },
    },
  }
}

/** Listens; a connection starts with a LoginHandler, in whose place a ChatHandler comes. */
async function startChatServer(group: EventLoopGroup, options: ServerOptions, room: ChatRoom, workers: WorkPool): Promise<ServerChannel> {
  const encoder = new ProtobufHeadContentEncoder(EVENTS)
  return await new ServerBootstrap()
    .group(group)
    .childHandler((channel) => {
      const idle = new IdleStateHandler({ readerIdleMs: options.idleMs })
      channel.pipeline.addLast(idle, new ProtobufHeadContentDecoder(REQUESTS), encoder)
      channel.pipeline.addLast('login', new LoginHandler(room, workers, options.limits))
    })
    .bind(options.port, options.host)
}

async function main(): Promise<void> {
  const options = serverOptions()
  const group = new EventLoopGroup()
  const workers = new WorkPool(options.workers, 8192)
  try {
    await workers.started()
    const registry = new SessionRegistry(8)
    const groups = new Groups({ maxMembers: 1000, maxGroupsPerSession: 32 })
    const server = await startChatServer(group, options, new ChatRoom(registry, groups, workers), workers)
    console.log(`listening on ${String(server.localAddress)}`)
    process.on('SIGUSR2', () => {
      const { sessionCount: sessions, userCount: users, queued } = registry
      const counts = { sockets: server.connectionCount, sessions, users, groups: groups.count, queued, working: workers.waiting }
      console.log(`stats ${JSON.stringify(counts)}`)
    })
    await shutdownOnSignal({ group, servers: server }).completion
  } finally {
    await workers.close()
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
