import { LocalSocketAddress } from '../address.js'
import { systemError } from '../uv-error.js'
import { LocalSocket } from './local-socket.js'

/** A listener within the process. */
export interface LocalListener {
  readonly address: LocalSocketAddress
  /** The server's end of a new connection; false when its queue is full. */
  offer(socket: LocalSocket): boolean
}

/** The listeners of this thread, by localId. */
const listeners = new Map<string, LocalListener>()
let lastNumber = 0

/** An address nobody else has: what port 0 is to TCP. */
export function freeLocalAddress(): LocalSocketAddress {
  return new LocalSocketAddress(`#${++lastNumber}`)
}

/** Throws EADDRINUSE. */
export function addListener(listener: LocalListener): void {
  if (listeners.has(listener.address.localId)) throw systemError('EADDRINUSE', 'listen', listener.address)
  listeners.set(listener.address.localId, listener)
}

export function removeListener(listener: LocalListener): void {
  if (listeners.get(listener.address.localId) === listener) listeners.delete(listener.address.localId)
}

/** The client's end of a new connection. Throws ECONNREFUSED. */
export function connectLocal(remote: LocalSocketAddress, from: LocalSocketAddress): LocalSocket {
  const listener = listeners.get(remote.localId)
  if (listener === undefined) throw systemError('ECONNREFUSED', 'connect', remote)
  const [client, server] = LocalSocket.pair(from, remote)
  if (!listener.offer(server)) throw systemError('ECONNREFUSED', 'connect', remote)
  return client
}
