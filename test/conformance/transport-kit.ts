import type { Bootstrap, Channel, EventLoopGroup, ServerBootstrap, SocketAddressLike } from '@knotty/transport'

export type KitName = 'libuv' | 'net' | 'unix-libuv' | 'unix-net' | 'local'

/** What the suite needs to know of one transport. Everything else goes through the public API. */
export interface TransportKit {
  readonly name: KitName
  /** More bytes than a peer that does not read can make go away: one write of so many stays pending. */
  readonly stallBytes: number
  serverBootstrap(group: EventLoopGroup): ServerBootstrap
  bootstrap(group: EventLoopGroup): Bootstrap
  /** A fresh address to bind. */
  bindAddress(): SocketAddressLike
  /** Where to connect to reach the server. */
  addressOf(server: Channel): SocketAddressLike
  /** An address nobody listens on. */
  refusedAddress(): Promise<SocketAddressLike>
  /** An address whose connect stays under way, with a resolver that is to be set; undefined when the transport has none. */
  silentAddress(): { readonly address: SocketAddressLike; readonly resolver: () => Promise<never> } | undefined
  /** The inode of an open channel's socket: `none` for a transport without sockets. */
  inode(channel: Channel): string
  /** Removes what the kit made, temporary files for instance. */
  cleanUp(): void
}
