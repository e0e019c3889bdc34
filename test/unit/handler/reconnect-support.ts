import { once } from 'node:events'
import { ReconnectingClient, type ReconnectingClientOptions, type ReconnectScheduledEvent } from '@knotty/handler'
import {
  Bootstrap,
  type Channel,
  type ChannelFuture,
  EmbeddedEventLoop,
  type EventLoopGroup,
  ServerBootstrap,
  type ServerChannel,
  type SocketAddressLike,
} from '@knotty/transport'
import type { LeakScope } from '../../support/leak-scope.js'

/** Registers channels to a real group; its clock and timers stand in the hands of the test. */
export class VirtualTimers extends EmbeddedEventLoop {
  private readonly group: EventLoopGroup

  constructor(scope: LeakScope, group: EventLoopGroup) {
    super()
    this.group = group
    this.freezeTime()
    scope.onEnd(() => this.shutdownGracefully())
  }

  override register(channel: Channel): ChannelFuture {
    return this.group.register(channel)
  }
}

/** A server that comes, goes and comes back at one address. */
export class RestartableServer {
  readonly children: Channel[] = []
  private readonly bootstrap: ServerBootstrap
  private readonly address: SocketAddressLike
  private channel: ServerChannel | undefined = undefined

  constructor(scope: LeakScope, group: EventLoopGroup, address: SocketAddressLike, onChild: (child: Channel) => void = () => undefined) {
    this.address = address
    this.bootstrap = new ServerBootstrap().group(group).childHandler((child) => {
      this.children.push(child)
      onChild(child)
    })
    scope.onEnd(() => this.down())
  }

  /** Listens; at a port of 0 the first time decides for the later ones. */
  async up(): Promise<SocketAddressLike> {
    this.channel = await this.bootstrap.bind(this.bound ?? this.address)
    this.bound = this.channel.localAddress as SocketAddressLike
    return this.bound
  }

  async down(): Promise<void> {
    await this.channel?.close()
    for (const child of this.children) child.close()
  }

  private bound: SocketAddressLike | undefined
}

export interface Watched {
  readonly client: ReconnectingClient
  /** What it told, in order. */
  readonly log: string[]
  readonly scheduled: ReconnectScheduledEvent[]
  /** The channels of all its connections. */
  readonly channels: Channel[]
  /** Done at the next such event. */
  next(event: 'connected' | 'disconnected' | 'scheduled' | 'failed' | 'stopped'): Promise<unknown>
}

/** A client whose delays are half their bound, with a log of what it tells; stopped at the end. */
export function watched(scope: LeakScope, bootstrap: Bootstrap, options: ReconnectingClientOptions = {}): Watched {
  const client = new ReconnectingClient(bootstrap, { random: () => 0.5, ...options })
  const log: string[] = []
  const scheduled: ReconnectScheduledEvent[] = []
  const channels: Channel[] = []
  client.on('connected', (channel) => {
    log.push('connected')
    channels.push(channel)
  })
  client.on('disconnected', (_channel, livedMs) => log.push(`disconnected after ${livedMs}`))
  client.on('scheduled', (event) => {
    log.push(`attempt ${event.attempt} in ${event.delayMs}`)
    scheduled.push(event)
  })
  client.on('failed', (error) => log.push(`failed: ${error.message}`))
  client.on('stopped', () => log.push('stopped'))
  scope.onEnd(() => client.stop())
  return { client, log, scheduled, channels, next: (event) => once(client as never, event) }
}

/** Connects to `address` over `group`. */
export function bootstrapTo(group: VirtualTimers | EventLoopGroup, address: SocketAddressLike): Bootstrap {
  return new Bootstrap().group(group).handler(() => undefined).remoteAddress(address)
}
