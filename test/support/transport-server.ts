import { eventually } from '@knotty/testing'
import {
  Bootstrap,
  type Channel,
  type ChannelHandler,
  type EventLoopGroup,
  type RefusedEvent,
  ServerBootstrap,
  type ServerChannel,
  type SocketAddress,
} from '@knotty/transport'
import type { LeakScope } from './leak-scope.js'
import type { OptionValues } from './tcp.js'
import type { TestTransport } from './transports.js'

/** What a {@link ServerOf} is made of. */
export interface ServerSettings {
  readonly handlers?: (child: Channel) => readonly ChannelHandler[]
  readonly options?: OptionValues
  /** In the pipeline of the server. */
  readonly handler?: ChannelHandler
  /** Instead of `handlers`. */
  readonly initializer?: (child: Channel) => void | Promise<void>
  /** The group of the clients; else that of the server. */
  readonly clients?: EventLoopGroup
}

/** A server on one of the transports, with what it told, and clients for it. */
export class ServerOf {
  readonly channel: ServerChannel
  readonly accepted: Channel[] = []
  readonly refused: RefusedEvent[] = []
  private readonly scope: LeakScope
  private readonly group: EventLoopGroup
  private readonly transport: TestTransport

  private constructor(scope: LeakScope, group: EventLoopGroup, transport: TestTransport, channel: ServerChannel) {
    this.scope = scope
    this.group = group
    this.transport = transport
    this.channel = channel
    channel.events.on('accepted', (child) => this.accepted.push(child))
    channel.events.on('refused', (event) => this.refused.push(event))
  }

  static async bind(scope: LeakScope, group: EventLoopGroup, transport: TestTransport, settings: ServerSettings = {}): Promise<ServerOf> {
    const { handlers = () => [], initializer = (child) => void child.pipeline.addLast(...handlers(child)) } = settings
    const bootstrap = new ServerBootstrap().group(group).channel(() => transport.newServer()).childHandler(initializer)
    for (const [key, value] of settings.options ?? []) bootstrap.option(key, value as never)
    if (settings.handler !== undefined) bootstrap.handler(settings.handler)
    const server = new ServerOf(scope, settings.clients ?? group, transport, await bootstrap.bind(transport.address(scope)))
    scope.onEnd(async () => {
      for (const child of server.accepted) if (child.isOpen) child.close()
      await server.channel.close()
    })
    return server
  }

  get address(): SocketAddress {
    return this.channel.localAddress as SocketAddress
  }

  /** A client that is connected, as far as it knows. */
  async connect(handlers: readonly ChannelHandler[] = []): Promise<Channel> {
    const channel = await new Bootstrap()
      .group(this.group)
      .channel(() => this.transport.newClient())
      .handler((ch) => ch.pipeline.addLast(...handlers))
      .connect(this.address)
    this.scope.onEnd(() => channel.close())
    return channel
  }

  /** So many clients, all of them accepted. */
  async connectAll(count: number, handlers: () => readonly ChannelHandler[] = () => []): Promise<Channel[]> {
    const before = this.accepted.length
    const clients = await Promise.all(Array.from({ length: count }, () => this.connect(handlers())))
    await eventually(() => {
      if (this.accepted.length !== before + count) throw new Error(`${this.accepted.length - before} of ${count} are accepted`)
    })
    return clients
  }
}
