import type { Socket } from 'node:net'
import type { RawSocket } from '../accepted-socket-guard.js'

/** The channel to which the events of a {@link NetSocket} go. */
export interface NetSocketOwner {
  onData(chunk: Buffer): void
  onEnd(): void
  onError(error: Error): void
  onClose(): void
}

/** A socket of node:net as the channel sees it. */
export class NetSocket implements RawSocket {
  readonly socket: Socket

  /** @param socket made with `allowHalfOpen`; it must not read before {@link attach} */
  constructor(socket: Socket) {
    this.socket = socket
  }

  /** The events of the socket go to this channel from now on. It is paused, so it reads nothing until it is told to. */
  attach(owner: NetSocketOwner): void {
    const { socket } = this
    socket.pause()
    socket.on('data', (chunk: Buffer) => owner.onData(chunk))
    socket.on('end', () => owner.onEnd())
    socket.on('error', (error: Error) => owner.onError(error)) // without a listener one would end the process
    socket.on('close', () => owner.onClose())
  }

  close(): void {
    this.socket.destroy()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }
}
