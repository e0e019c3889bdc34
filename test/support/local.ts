import {
  Bootstrap,
  type Channel,
  type ChannelHandler,
  type EventLoopGroup,
  type LocalSocketAddress,
  ServerBootstrap,
  type ServerChannel,
} from '@knotty/transport'
import type { LeakScope } from './leak-scope.js'
import type { OptionValues } from './tcp.js'

export interface LocalServer {
  readonly channel: ServerChannel
  readonly address: LocalSocketAddress
  /** The `index`-th accepted channel, as soon as its initializer runs. */
  child(index?: number): Promise<Channel>
}

/** A Knotty server within the process; each child gets what `handlers` makes. */
export async function serveLocal(
  scope: LeakScope,
  group: EventLoopGroup,
  handlers: (channel: Channel) => readonly ChannelHandler[],
  childOptions: OptionValues = [],
): Promise<LocalServer> {
  const children: Channel[] = []
  const waiting = new Map<number, (channel: Channel) => void>()
  const bootstrap = new ServerBootstrap().group(group).childHandler((channel) => {
    channel.pipeline.addLast(...handlers(channel))
    const index = children.push(channel) - 1
    waiting.get(index)?.(channel)
  })
  for (const [key, value] of childOptions) bootstrap.childOption(key, value as never)
  const channel = await bootstrap.bind({ localId: '' })
  scope.onEnd(async () => {
    for (const child of children) if (child.isOpen) child.close()
    await channel.close()
  })
  return {
    channel,
    address: channel.localAddress as LocalSocketAddress,
    child: (index = 0) => {
      const child = children[index]
      return child === undefined ? new Promise((resolve) => waiting.set(index, resolve)) : Promise.resolve(child)
    },
  }
}

/** A client that is connected to it. */
export async function connectLocal(
  scope: LeakScope,
  group: EventLoopGroup,
  address: LocalSocketAddress,
  handlers: readonly ChannelHandler[] = [],
  options: OptionValues = [],
): Promise<Channel> {
  const bootstrap = new Bootstrap().group(group).handler((channel) => channel.pipeline.addLast(...handlers))
  for (const [key, value] of options) bootstrap.option(key, value as never)
  const channel = await bootstrap.connect(address)
  scope.onEnd(() => channel.close())
  return channel
}
