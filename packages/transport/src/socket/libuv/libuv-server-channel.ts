import { toError } from '@knotty/common'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AbstractServerChannel, DEFAULT_BACKLOG } from '../abstract-server-channel.js'
import type { AcceptedSocketGuard } from '../accepted-socket-guard.js'
import { checkSocketAddress, type SocketAddress, TcpSocketAddress } from '../address.js'
import { SERVER_SOCKET_OPTIONS } from '../socket-options.js'
import { uvError } from '../uv-error.js'
import { listenOnFirst, NO_SUCH_ADDRESS, resolveForBind } from '../bind-address.js'
import type { StreamHandle } from './binding.js'
import { LibuvSocketChannel } from './libuv-socket-channel.js'
import { ListenerPark } from './listener-park.js'
import { bindHandle, listenHandle, localAddressOf, newListenerHandle, remoteAddressOf } from './stream-handle.js'

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
    return handle.fd >= 0 ? handle.fd : undefined
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkSocketAddress(address)
  }

  protected listen(address: SocketAddress, promise: ChannelPromise): void {
    if (address instanceof TcpSocketAddress && address.isUnresolved) void this.resolveAndListen(address, promise)
    else this.listenAt(address, promise)
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

  private async resolveAndListen(address: TcpSocketAddress, promise: ChannelPromise): Promise<void> {
    try {
      const found = await resolveForBind(address)
      if (this.state !== 'binding') throw this.closedError()
      listenOnFirst(found, (each) => this.listenAt(each, promise))
    } catch (error) {
      this.operationFailed(promise, toError(error))
    }
  }

  private listenAt(address: SocketAddress, promise: ChannelPromise): void {
    const handle = this.openListener(address)
    this.listening(localAddressOf(handle) ?? address, promise)
  }

  private openListener(address: SocketAddress): StreamHandle {
    const handle = newListenerHandle(address)
    try {
      bindHandle(handle, address, this.config.getOption(ChannelOption.IPV6_V6ONLY) ?? false)
      this.listenWith(handle, address)
      return handle
    } catch (error) {
      this.handle = undefined
      handle.close()
      const wildcard = address instanceof TcpSocketAddress && address.address === '::'
      if (wildcard && NO_SUCH_ADDRESS.has((error as { code?: unknown }).code)) {
        return this.openListener(new TcpSocketAddress('0.0.0.0', address.port))
      }
      throw error
    }
  }

  /** Connections come from here on, or from the next turn of the loop. */
  private listenWith(handle: StreamHandle, address: SocketAddress): void {
    this.handle = handle
    handle.owner = this
    handle.onconnection = onconnection
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
