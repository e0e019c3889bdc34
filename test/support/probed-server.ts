import {
  type AcceptedSocketGuard,
  LibuvServerChannel,
  type LibuvSocketChannel,
  NetServerChannel,
  type NetSocket,
  type NetSocketChannel,
} from '@knotty/transport'
import type { AbstractServerChannel } from '../../packages/transport/dist/socket/abstract-server-channel.js'
import type { RawSocket } from '../../packages/transport/dist/socket/accepted-socket-guard.js'
import type { StreamHandle } from '../../packages/transport/dist/socket/libuv/binding.js'

/** What is below every transport: the handle of Node, whose descriptor is the socket. */
export interface SocketHandle {
  /** Negative when it is closed. */
  readonly fd: number
  close(callback?: () => void): void
}

/** The channel a server makes of an accepted socket. */
export type ProbedChild = ReturnType<AbstractServerChannel<RawSocket>['newChild']>

/** A server whose children a test makes itself, and whose accepted handles it sees. */
export interface ProbedServer extends AbstractServerChannel<RawSocket> {
  /** The handles accepted so far. */
  readonly handles: SocketHandle[]
  /** Sees each handle before a channel is made of it. */
  onHandle(handle: SocketHandle): void
  make(socket: RawSocket, guard: AcceptedSocketGuard): ProbedChild
}

export class ProbedLibuvServer extends LibuvServerChannel {
  readonly handles: SocketHandle[] = []

  onHandle(_handle: SocketHandle): void {}

  make(socket: StreamHandle, guard: AcceptedSocketGuard): LibuvSocketChannel {
    return super.newChild(socket, guard)
  }

  override newChild(socket: StreamHandle, guard: AcceptedSocketGuard): LibuvSocketChannel {
    this.handles.push(socket)
    this.onHandle(socket)
    return this.make(socket, guard)
  }
}

export class ProbedNetServer extends NetServerChannel {
  readonly handles: SocketHandle[] = []

  onHandle(_handle: SocketHandle): void {}

  make(socket: NetSocket, guard: AcceptedSocketGuard): NetSocketChannel {
    return super.newChild(socket, guard)
  }

  override newChild(socket: NetSocket, guard: AcceptedSocketGuard): NetSocketChannel {
    const handle = handleOf(socket.socket)
    this.handles.push(handle)
    this.onHandle(handle)
    return this.make(socket, guard)
  }
}

/** The handle inside an open socket of node:net: closing it is the last thing the socket does. */
function handleOf(socket: NetSocket['socket']): SocketHandle {
  return (socket as unknown as { readonly _handle: SocketHandle })._handle
}
