import net, { type ListenOptions, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { runInRootContext, UnsupportedOperationError } from '@knotty/common'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { ChannelPromise } from '../../channel/channel-promise.js'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AbstractServerChannel, DEFAULT_BACKLOG } from '../abstract-server-channel.js'
import type { AcceptedSocketGuard } from '../accepted-socket-guard.js'
import { checkSocketAddress, type SocketAddress, TcpSocketAddress, UnixSocketAddress } from '../address.js'
import { SERVER_SOCKET_OPTIONS } from '../socket-options.js'
import { fromNodeError } from '../uv-error.js'
import { NetSocket } from './net-socket.js'
import { NetSocketChannel, remoteAddressOf } from './net-socket-channel.js'

/** A listening socket, TCP or Unix, on the public API of `node:net`. Its children are {@link NetSocketChannel}s. */
export class NetServerChannel extends AbstractServerChannel<NetSocket> {
  readonly transport: TransportName = 'net'
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = SERVER_SOCKET_OPTIONS
  readonly supportedChildOptions: ReadonlySet<ChannelOption<unknown>> = NetSocketChannel.OPTIONS
  private server: Server | undefined = undefined

  newChild(socket: NetSocket, guard: AcceptedSocketGuard): NetSocketChannel {
    return new NetSocketChannel(this, socket, guard)
  }

  remoteAddressOf(socket: NetSocket): SocketAddress | undefined {
    return remoteAddressOf(socket)
  }

  /** node:net does not tell. */
  protected descriptorOf(): number | undefined {
    return undefined
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkSocketAddress(address)
  }

  protected listen(address: SocketAddress, promise: ChannelPromise, failed: (error: Error) => void): void {
    checkPermission()
    runInRootContext(() => {
      const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, highWaterMark: 0 })
      this.server = server
      server.on('connection', (socket) => this.onConnection(socket))
      server.once('listening', () => {
        if (this.state === 'binding') this.listening(boundAddress(server, address), promise)
        else server.close() // closed before it listened
      })
      server.on('error', (error) => {
        if (server !== this.server) return // closed meanwhile
        if (this.state === 'bound') return this.warn('could not accept a connection', error)
        this.server = undefined
        failed(fromNodeError(error, address))
      })
      server.listen(this.listenOptions(address))
    })
  }

  protected closeListener(): void {
    this.server?.close()
    this.server = undefined
  }

  private onConnection(socket: Socket): void {
    try {
      this.admit(new NetSocket(socket))
    } catch (error) {
      reportNativeEntryError(error)
    }
  }

  private listenOptions(address: SocketAddress): ListenOptions {
    const backlog = this.config.getOption(ChannelOption.SO_BACKLOG) ?? DEFAULT_BACKLOG
    if (address instanceof UnixSocketAddress) return { path: address.path, backlog }
    const { address: host, port } = address as TcpSocketAddress
    const ipv6Only = this.config.getOption(ChannelOption.IPV6_V6ONLY) ?? false
    return { host, port, backlog, ipv6Only }
  }
}

function boundAddress(server: Server, asked: SocketAddress): SocketAddress {
  const address = server.address()
  return address === null || typeof address === 'string' ? asked : new TcpSocketAddress(address.address, address.port)
}

/** Since Node 25 --permission covers the network, and listen() throws in a tick of its own, where it would end the process. */
function checkPermission(): void {
  const { permission } = process as { permission?: { has(scope: string): boolean } }
  if (permission === undefined || Number(process.versions.node.split('.')[0]) < 25 || permission.has('net')) return
  throw new UnsupportedOperationError('bind: the process may not use the network (run it with --allow-net)', undefined, 'ERR_ACCESS_DENIED')
}
