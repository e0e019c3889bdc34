import type { Socket } from 'node:net'
import type { RawSocket } from '../accepted-socket-guard.js'

/** The channel to which the events of a {@link NetSocket} go. */
export interface NetSocketOwner {
  onData(chunk: Buffer): void
  onEnd(): void
  onError(error: Error): void
  onClose(): void
}

/**
 * A socket of node:net as the channel sees it. It listens for errors from its first moment: without a listener one would end the
 * process. It is paused, so it reads nothing until it is told to.
 */
export class NetSocket implements RawSocket {
  readonly socket: Socket
  owner: NetSocketOwner | undefined = undefined

  /** @param socket made with `allowHalfOpen`; paused here */
  constructor(socket: Socket) {
    this.socket = socket
    socket.pause()
    socket.on('data', (chunk: Buffer) => this.owner?.onData(chunk))
    socket.on('end', () => this.owner?.onEnd())
    socket.on('error', (error: Error) => this.owner?.onError(error))
    socket.on('close', () => this.owner?.onClose())
  }

  close(): void {
    this.socket.destroy()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }
}
