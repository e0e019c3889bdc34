import type { Channel, SocketAddressLike } from '@knotty/transport'
import type { TestTransport } from '../support/transports.js'

/** What the suite needs to know of one transport. Everything else goes through the public API. */
export interface TransportKit {
  readonly transport: TestTransport
  /** More bytes than a peer that does not read can make go away: one write of so many stays pending. */
  readonly stallBytes: number
  /** A fresh address to bind. */
  bindAddress(): SocketAddressLike
  /** An address nobody listens on. */
  refusedAddress(): Promise<SocketAddressLike>
  /** An address whose connect stays under way, with a resolver that is to be set; undefined when the transport has none. */
  silentAddress(): { readonly address: SocketAddressLike; readonly resolver: () => Promise<never> } | undefined
  /** The inode of an open channel's socket: `none` for a transport without sockets. */
  inode(channel: Channel): string
  /** Removes what the kit made, temporary files for instance. */
  cleanUp(): void
}
