import process from 'node:process'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AbstractServerChannel, DEFAULT_BACKLOG } from '../abstract-server-channel.js'
import type { AcceptedSocketGuard } from '../accepted-socket-guard.js'
import { checkSocketAddress, type SocketAddress } from '../address.js'
import { SERVER_SOCKET_OPTIONS } from '../socket-options.js'
import { uvError } from '../uv-error.js'
import type { StreamHandle } from './binding.js'
import { LibuvSocketChannel } from './libuv-socket-channel.js'
import { ListenerPark } from './listener-park.js'
import { bindHandle, isTcp, listenHandle, localAddressOf, newListenerHandle, remoteAddressOf } from './stream-handle.js'

/**
 * A listening socket, TCP or Unix, on Node's own handle. Accepted handles become {@link LibuvSocketChannel}s without a net.Socket
 * between, and go through this channel's pipeline as messages; each is guarded until it is registered.
 */
export class LibuvServerChannel extends AbstractServerChannel<StreamHandle> {
  readonly transport: TransportName = 'libuv'
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = SERVER_SOCKET_OPTIONS
  readonly supportedChildOptions: ReadonlySet<ChannelOption<unknown>> = LibuvSocketChannel.OPTIONS
  private handle: StreamHandle | undefined = undefined
  /** The listener while it is parked. */
  private parked: ListenerPark | undefined = undefined

  newChild(handle: StreamHandle, guard: AcceptedSocketGuard): LibuvSocketChannel {
    return new LibuvSocketChannel(this, handle, guard)
  }

  remoteAddressOf(handle: StreamHandle): SocketAddress | undefined {
    return remoteAddressOf(handle)
  }

  /** From native code. */
  onConnection(status: number, client: StreamHandle | undefined): void {
    if (status !== 0 || client === undefined) this.warn('could not accept a connection', uvError(status, 'accept'))
    else this.admit(client)
  }

  protected descriptorOf(handle: StreamHandle): number | undefined {
    const { fd } = handle
    return fd >= 0 ? fd : undefined
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkSocketAddress(address)
  }

  protected listen(address: SocketAddress, promise: ChannelPromise): void {
    const handle = newListenerHandle(address)
    try {
      bindHandle(handle, address, this.config.getOption(ChannelOption.IPV6_V6ONLY) ?? false)
      this.listenWith(handle, address)
    } catch (error) {
      this.handle = undefined
      handle.close()
      throw error
    }
    this.listening(localAddressOf(handle) ?? address, promise)
  }

  protected closeListener(): void {
    this.parked?.close()
    this.parked = undefined
    this.handle?.close()
    this.handle = undefined
  }

  protected override parkListener(): void {
    if (this.handle === undefined || this.parked !== undefined) return
    this.parked = ListenerPark.park(this.handle)
    if (this.parked !== undefined) this.handle = undefined
  }

  protected override unparkListener(): void {
    if (this.parked === undefined) return
    const handle = this.parked.unpark()
    this.parked = undefined
    this.listenWith(handle, this.local as SocketAddress)
  }

  /** Connections come from here on, or from the next turn of the loop. */
  private listenWith(handle: StreamHandle, address: SocketAddress): void {
    this.handle = handle
    handle.owner = this
    handle.onconnection = onconnection
    // On Linux an accepted socket has the listener's TCP_NODELAY; without it each connection would set its own.
    this.childrenHaveNoDelay = process.platform === 'linux' && isTcp(handle) && handle.setNoDelay(true) === 0
    listenHandle(handle, this.config.getOption(ChannelOption.SO_BACKLOG) ?? DEFAULT_BACKLOG, address)
  }
}

/** One function for all listeners. */
function onconnection(this: StreamHandle, status: number, client: StreamHandle | undefined): void {
  try {
    ;(this.owner as LibuvServerChannel).onConnection(status, client)
  } catch (error) {
    reportNativeEntryError(error)
  }
}
