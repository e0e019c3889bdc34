import { IllegalArgumentError, runInRootContext } from '@knotty/common'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { TcpSocketAddress } from '../address.js'
import { type ConnectRequest, libuvBinding, type RawAddress, type ShutdownRequest, type TcpHandle } from './binding.js'
import { uvError } from './uv-error.js'

/** Calls on TCP handles with every argument checked: a wrong one would abort the process (see binding.ts). */

/** A handle for connecting. It must be closed, even when nothing came of it. */
export function newSocketHandle(): TcpHandle {
  const binding = libuvBinding()
  return new binding.TCP(binding.SOCKET)
}

/** A handle for listening. It must be closed, even when nothing came of it. */
export function newListenerHandle(): TcpHandle {
  const binding = libuvBinding()
  return makeInRootContext(() => new binding.TCP(binding.SERVER))
}

/** Accept callbacks run in the AsyncLocalStorage context in which the listening handle was made: it must be nobody's. */
function makeInRootContext(make: () => TcpHandle): TcpHandle {
  let handle: TcpHandle | undefined
  runInRootContext(() => (handle = make()))
  return handle as unknown as TcpHandle
}

/** Binds to an IP literal. A port in use is found by listen or connect, not here. */
export function bindHandle(handle: TcpHandle, address: TcpSocketAddress, v6Only: boolean): void {
  if (address.isUnresolved) throw new IllegalArgumentError(`address: ${address.toString()} (expected: an IP address, not a host name)`)
  const flags = v6Only && address.family === 6 ? libuvBinding().IPV6ONLY : 0
  const status =
    address.family === 6 ? handle.bind6(address.address, address.port, flags) : handle.bind(address.address, address.port, flags)
  if (status !== 0) throw uvError(status, 'bind', address)
}

/** @param backlog connections, at least 1 */
export function listenHandle(handle: TcpHandle, backlog: number, address: TcpSocketAddress): void {
  const status = handle.listen(backlog)
  if (status !== 0) throw uvError(status, 'listen', address)
}

/** Starts to connect; `done` is called later with 0 or an errno, or this throws at once. */
export function connectHandle(handle: TcpHandle, address: TcpSocketAddress, done: (status: number) => void): void {
  const request: ConnectRequest = new (libuvBinding().TCPConnectWrap)()
  request.oncomplete = done
  const status =
    address.family === 6
      ? handle.connect6(request, address.address, address.port)
      : handle.connect(request, address.address, address.port)
  if (status !== 0) throw uvError(status, 'connect', address)
}

/** Sends FIN behind all queued writes; `done` is called later, or this throws at once. */
export function shutdownHandle(handle: TcpHandle, done: (error: Error | undefined) => void): void {
  const request: ShutdownRequest = new (libuvBinding().ShutdownWrap)()
  request.oncomplete = (status) => {
    try {
      runInRootContext(() => done(status === 0 ? undefined : uvError(status, 'shutdown')))
    } catch (error) {
      reportNativeEntryError(error)
    }
  }
  const status = handle.shutdown(request)
  if (status !== 0) throw uvError(status, 'shutdown')
}

/** The local address of an open handle; undefined when it has none. */
export function localAddressOf(handle: TcpHandle): TcpSocketAddress | undefined {
  const raw: RawAddress = {}
  return handle.getsockname(raw) === 0 ? toAddress(raw) : undefined
}

/** The peer's address; undefined when it is gone already. */
export function remoteAddressOf(handle: TcpHandle): TcpSocketAddress | undefined {
  const raw: RawAddress = {}
  return handle.getpeername(raw) === 0 ? toAddress(raw) : undefined
}

function toAddress(raw: RawAddress): TcpSocketAddress | undefined {
  return raw.address === undefined || raw.port === undefined ? undefined : new TcpSocketAddress(raw.address, raw.port)
}
