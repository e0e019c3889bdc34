import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { AbstractServerChannel, DEFAULT_BACKLOG } from '../abstract-server-channel.js'
import type { AcceptedSocketGuard } from '../accepted-socket-guard.js'
import type { LocalSocketAddress, SocketAddress } from '../address.js'
import { ACCEPT_OPTIONS } from '../socket-options.js'
import { checkLocalAddress, LocalChannel } from './local-channel.js'
import { addListener, freeLocalAddress, type LocalListener, removeListener } from './local-registry.js'
import type { LocalSocket } from './local-socket.js'

const OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set<ChannelOption<unknown>>(ACCEPT_OPTIONS)

/** Listens within this process, at a localId; an empty one stands for any that is free. Its children are {@link LocalChannel}s. */
export class LocalServerChannel extends AbstractServerChannel<LocalSocket> {
  readonly transport: TransportName = 'local'
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = OPTIONS
  readonly supportedChildOptions: ReadonlySet<ChannelOption<unknown>> = LocalChannel.OPTIONS
  private listener: LocalListener | undefined = undefined
  /** Connections that wait to be accepted. */
  private backlog: LocalSocket[] = []
  private parked = false
  private scheduled = false

  newChild(socket: LocalSocket, guard: AcceptedSocketGuard): LocalChannel {
    return new LocalChannel(this, socket, guard)
  }

  remoteAddressOf(socket: LocalSocket): SocketAddress {
    return socket.peerAddress
  }

  /** It has none, and takes none from others. */
  protected descriptorOf(): number {
    return Number.NEGATIVE_INFINITY
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkLocalAddress(address)
  }

  protected listen(address: SocketAddress, promise: ChannelPromise): void {
    const asked = address as LocalSocketAddress
    const listener: LocalListener = {
      address: asked.localId === '' ? freeLocalAddress() : asked,
      offer: (socket) => this.offer(socket),
    }
    addListener(listener)
    this.listener = listener
    this.listening(listener.address, promise)
  }

  protected closeListener(): void {
    if (this.listener !== undefined) removeListener(this.listener)
    this.listener = undefined
    for (const socket of this.backlog.splice(0)) socket.reset()
  }

  protected override parkListener(): void {
    this.parked = true
  }

  protected override unparkListener(): void {
    this.parked = false
    this.wake()
  }

  private offer(socket: LocalSocket): boolean {
    if (this.backlog.length >= (this.config.getOption(ChannelOption.SO_BACKLOG) ?? DEFAULT_BACKLOG)) return false
    this.backlog.push(socket)
    this.wake()
    return true
  }

  private wake(): void {
    if (this.scheduled || this.parked || this.backlog.length === 0) return
    this.scheduled = true
    this.later(() => this.acceptNext())
  }

  /** One connection a task, as libuv accepts one a turn. */
  private acceptNext(): void {
    this.scheduled = false
    if (this.parked || !this.isActive) return
    const socket = this.backlog.shift()
    if (socket !== undefined) this.admit(socket)
    this.wake()
  }
}
